/** Changes made elsewhere, as they happen. A tab that nobody sees does not listen: browsers give a site six connections. */
import { type Change, Refusal, follow } from "@todo-evolution/client";
import { isReachable } from "../offline/reachable.ts";
import { api } from "../session/auth.ts";
import { recognise } from "../session/session.ts";
import { load, settle } from "./list.ts";
import { send } from "./outbox.ts";

let listening: AbortController | null = null;

/** Listen whenever somebody looks, until `stop` is called. */
export function listen(): () => void {
  const look = () => {
    if (document.hidden) hush();
    else if (!listening) void hear((listening = new AbortController()));
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    hush();
  };
}

function hush(): void {
  listening?.abort();
  listening = null;
}

async function hear(own: AbortController): Promise<void> {
  let gathered: Change[] = [];
  let isFirst = true;
  const tell = () => {
    const news = gathered.map(({ id, todo }) => [id, todo] as const);
    gathered = [];
    settle(news);
  };
  try {
    for await (const event of follow(api, own.signal)) {
      if (event.kind === "change") {
        // Many at once, as of an agent, are one change of the list.
        if (gathered.push(event.change) === 1) requestAnimationFrame(tell);
      } else if (event.kind === "lost") {
        isReachable.value = false;
      } else {
        const wasAway = !isReachable.peek();
        isReachable.value = true;
        // What happened before the stream began is in no event.
        if (isFirst || wasAway || event.kind === "reset") void load();
        isFirst = false;
        void send();
      }
    }
  } catch (reason) {
    if (!(reason instanceof Refusal)) throw reason;
    await recognise();
  }
}
