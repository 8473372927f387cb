/** Tells when something has happened, here or elsewhere, while somebody looks. */
import { Refusal, follow } from "@todo-evolution/client";
import { useEffect } from "preact/hooks";
import { api } from "../session/auth.ts";
import { recognise } from "../session/session.ts";

const GATHERED_MILLISECONDS = 300;

export function useNews(tell: () => Promise<void>): void {
  useEffect(() => {
    const listening = new AbortController();
    let timer = 0;
    const listen = async () => {
      for await (const { kind } of follow(api, listening.signal)) {
        clearTimeout(timer);
        if (kind === "change") timer = window.setTimeout(() => void tell(), GATHERED_MILLISECONDS);
      }
    };
    listen().catch((reason: unknown) => {
      if (!(reason instanceof Refusal)) throw reason;
      return recognise();
    });
    return () => {
      clearTimeout(timer);
      listening.abort();
    };
  }, []);
}
