/** Changes made elsewhere, as they happen. A tab that nobody sees does not listen: browsers give a site six connections. */
import { signal } from "@preact/signals";
import { type Change, Refusal, follow } from "@todo-evolution/client";
import { isReachable } from "../offline/reachable.ts";
import { api } from "../session/auth.ts";
import { recognise } from "../session/session.ts";
import { isKept, load, settle } from "./list.ts";
import { send } from "./outbox.ts";

const GATHERED_MILLISECONDS = 50;

export const isLive = signal(false);
let listening: AbortController | null = null;
/** The last that was heard, to go on from: what happened meanwhile is told then. */
let heard: string | undefined;

/** Listen whenever somebody looks, until `stop` is called. */
export function listen(): () => void {
  heard = undefined;
  const look = () => {
    hush();
    if (!document.hidden) void hear((listening = new AbortController()));
  };
  look();
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    removeEventListener("online", look);
    hush();
  };
}

function hush(): void {
  listening?.abort();
  listening = null;
  isLive.value = false;
}

async function hear(own: AbortController): Promise<void> {
  let gathered: Change[] = [];
  const tell = () => {
    const news = gathered.map(({ id, todo }) => [id, todo] as const);
    gathered = [];
    settle(news);
  };
  try {
    for await (const event of follow(api, own.signal, heard)) {
      if (event.kind === "lost") {
        isLive.value = isReachable.value = false;
        continue;
      }
      // What happened before the stream began is in no event, and what was kept here may be old.
      const isBehind = heard === undefined || event.kind === "reset" || isKept.peek();
      heard = event.kind === "reset" ? undefined : event.id;
      if (event.kind === "change") {
        // Many at once, as of an agent, are one change of the list.
        if (gathered.push(event.change) === 1) setTimeout(tell, GATHERED_MILLISECONDS);
        continue;
      }
      isLive.value = isReachable.value = true;
      if (isBehind) void load();
      void send();
    }
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    await recognise();
  }
}
