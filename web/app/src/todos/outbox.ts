/**
 * Edits on their way: shown at once, kept in this browser, sent in order. Whatever happens to the connection, each is done
 * once: todos are made under ids chosen here, and the rest carries a key. It would not do to say again how a todo shall be: it
 * may have been changed elsewhere since.
 */
import { Refusal, SESSION_ENDED, type Todo, Unreachable, answered, type components } from "@todo-evolution/client";
import { show } from "../design/announcer.ts";
import { isReachable } from "../offline/reachable.ts";
import { dropEdit, isStillKept, keepEdit, keptEdits } from "../offline/storage.ts";
import { api } from "../session/auth.ts";
import { recognise } from "../session/session.ts";
import { t } from "../words/index.ts";
import { type Edit, type Operation, applied } from "./edits.ts";
import { refresh, settle, truthOf } from "./list.ts";
import { pending } from "./pending.ts";

const SHORTEST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 15_000;
const DELETED = 204;

let isSending = false;
let retry = 0;
let wait = SHORTEST_WAIT_MILLISECONDS;

/** Do something: it shows at once, and is sent as soon as it can be. */
export async function submit(edit: Edit): Promise<void> {
  pending.value = [...pending.peek(), edit];
  refresh(idsOf(edit));
  await keepEdit(edit);
  void send();
}

/** Take up what was kept when the page was closed. */
export async function resume(): Promise<void> {
  const known = new Set(pending.peek().map(({ key }) => key));
  const kept = (await keptEdits()).filter(({ key }) => !known.has(key));
  pending.value = [...kept, ...pending.peek()];
  refresh(new Set(kept.flatMap((edit) => [...idsOf(edit)])));
  void send();
}

export function forget(): void {
  pending.value = [];
  clearTimeout(retry);
}

/** Send what waits, one after the other, in one tab at a time. */
export async function send(): Promise<void> {
  clearTimeout(retry);
  if (isSending || !pending.peek().length) return;
  isSending = true;
  try {
    await alone(async () => {
      for (let [next] = pending.peek(); next; [next] = pending.peek()) await deliver(next);
    });
    wait = SHORTEST_WAIT_MILLISECONDS;
  } catch (reason) {
    if (reason instanceof Refusal && reason.code === SESSION_ENDED) await recognise();
    else again(reason);
  } finally {
    isSending = false;
  }
}

/** Deliver one edit; raises what may pass, so that it is tried again. */
async function deliver(edit: Edit): Promise<void> {
  try {
    // Another tab may have sent it meanwhile.
    if (await isStillKept(edit.key)) settle(await request(edit));
    isReachable.value = true;
  } catch (reason) {
    if (!(reason instanceof Refusal) || mayPass(reason)) throw reason;
    show({ kind: "trouble", words: t("refused", { reason: reason.message }) });
  }
  await done(edit);
}

async function done(edit: Edit): Promise<void> {
  await dropEdit(edit.key);
  pending.value = pending.peek().filter(({ key }) => key !== edit.key);
  refresh(idsOf(edit));
}

function mayPass({ code, status }: Refusal): boolean {
  return code === SESSION_ENDED || code === "request_in_flight" || status === 408 || status === 429 || status >= 500;
}

function again(reason: unknown): void {
  if (!(reason instanceof Refusal) && !(reason instanceof Unreachable)) throw reason;
  if (reason instanceof Unreachable) isReachable.value = false;
  const asked = reason instanceof Refusal ? 1000 * reason.retryAfterSeconds : 0;
  retry = window.setTimeout(() => void send(), Math.max(wait, asked));
  wait = Math.min(2 * wait, LONGEST_WAIT_MILLISECONDS);
}

async function request({ key, operations }: Edit): Promise<[string, Todo | null][]> {
  const [first] = operations;
  if (first?.op === "create") return [[first.id, await create(first)]];
  // Alone it is refused as a whole; of many, what can be done is done.
  const body = { atomic: operations.length === 1, operations: operations.flatMap(inBatch) };
  const sent = api.client.POST("/api/todos/batch", { body, params: { header: { "Idempotency-Key": key } } });
  const { results } = await answered(sent);
  const isReplayed = (await sent).response.headers.has("idempotent-replayed");
  return results.flatMap(({ status, todo }, place) => {
    const operation = operations[place];
    if (todo) return [[todo.id, todo] as [string, Todo]];
    // What is answered again may not be so any more; of that the stream tells.
    return operation && status === DELETED && !isReplayed ? [[operation.id, deletedTruth(operation)] as [string, Todo | null]] : [];
  });
}

async function create({ id, todo }: Operation & { op: "create" }): Promise<Todo> {
  return answered(api.client.PUT("/api/todos/{todo_id}", { params: { path: { todo_id: id } }, body: todo }));
}

/** The server says nothing of a todo that it deletes; it is the next version of it. */
function deletedTruth(operation: Operation): Todo | null {
  const truth = truthOf(operation.id);
  const deleted = applied(truth, operation, new Date().toISOString());
  return truth && deleted ? { ...deleted, version: truth.version + (truth.deleted_at === null ? 1 : 0) } : null;
}

type InBatch = components["schemas"]["TodoBatch"]["operations"][number];

function inBatch(operation: Operation): InBatch[] {
  if (operation.op === "create") return [];
  return operation.op === "update"
    ? [{ op: operation.op, id: operation.id, changes: operation.changes }]
    : [{ op: operation.op, id: operation.id }];
}

function idsOf({ operations }: Edit): Set<string> {
  return new Set(operations.map(({ id }) => id));
}

async function alone(work: () => Promise<void>): Promise<void> {
  // Without https browsers have no locks; then each tab sends its own.
  if (navigator.locks) await navigator.locks.request("todo-edits", work);
  else await work();
}

addEventListener("online", () => void send());
