/** The change feed as it happens. A browser's `EventSource` cannot send a token, so this reads the stream itself. */
import type { TodoApi } from "./index.ts";
import { Refusal, SESSION_ENDED, refusalOf } from "./problem.ts";
import type { components } from "./schema.ts";

export type Change = components["schemas"]["TodoChangeRead"];

/**
 * `ready`: all until now has been told. `lost`: the stream broke off and is taken up again. `reset`: load everything anew.
 * `id` is where to go on from another time.
 */
export type Event = { kind: "change"; change: Change; id: string } | { kind: "ready"; id: string } | { kind: "lost" } | { kind: "reset" };

const UNAUTHENTICATED = 401;
const FORGOTTEN = 410;
const MAY_PASS = new Set([UNAUTHENTICATED, 408, FORGOTTEN, 429]);
const PATIENCE_MILLISECONDS = 40_000;
const SHORTEST_WAIT_MILLISECONDS = 500;
const LONGEST_WAIT_MILLISECONDS = 10_000;

interface Message {
  event: string;
  id: string;
  data: string;
}

/**
 * Give every change from now on, or after `since`, until `signal` aborts. It goes on by itself after an end, an outage
 * or a token that ran out, and leaves nothing out. Raises `Refusal` when the server refuses for good.
 */
export async function* follow({ origin, token }: TodoApi, signal: AbortSignal, since?: string): AsyncGenerator<Event> {
  let last = since;
  let wait = SHORTEST_WAIT_MILLISECONDS;
  while (!signal.aborted) {
    try {
      for await (const { event, id, data } of messages(origin, await token.get(), signal, last)) {
        if (id) last = id;
        wait = SHORTEST_WAIT_MILLISECONDS;
        if (event === "change") yield { kind: "change", change: JSON.parse(data) as Change, id };
        if (event === "ready") yield { kind: "ready", id };
        if (event === "end") token.forget();
      }
    } catch (reason) {
      if (signal.aborted) return;
      if (!(reason instanceof Refusal)) {
        yield { kind: "lost" };
      } else if (reason.status === FORGOTTEN) {
        last = undefined;
        yield { kind: "reset" };
      } else if (reason.code === SESSION_ENDED || (reason.status < 500 && !MAY_PASS.has(reason.status))) {
        throw reason;
      } else {
        if (reason.status === UNAUTHENTICATED) token.forget();
        wait = Math.max(wait, 1000 * reason.retryAfterSeconds);
        yield { kind: "lost" };
      }
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MILLISECONDS);
  }
}

async function* messages(origin: string, token: string, signal: AbortSignal, since?: string): AsyncGenerator<Message> {
  const silence = new AbortController();
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream", ...(since && { "last-event-id": since }) };
  const answer = await fetch(`${origin}/api/events`, { headers, signal: AbortSignal.any([signal, silence.signal]) });
  if (!answer.ok || !answer.body) throw refusalOf(answer, await answer.json().catch(() => null));
  // Something is said every fifteen seconds, if only a comment: a line that stays silent is dead.
  let timer = setTimeout(() => silence.abort(), PATIENCE_MILLISECONDS);
  try {
    let rest = "";
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), PATIENCE_MILLISECONDS);
      const blocks = (rest + part.value.replaceAll("\r\n", "\n")).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) yield messageOf(block);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function messageOf(block: string): Message {
  const message: Message = { event: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value = ""] = line.match(/^(event|id|data): ?(.*)$/) ?? [];
    if (name === "data") message.data += value;
    else if (name === "event" || name === "id") message[name] = value;
  }
  return message;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}
