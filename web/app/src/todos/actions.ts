/** What a person does with todos: at once, undoable, and said. */
import type { Priority, Todo } from "@todo-evolution/client";
import { uuid7 } from "@todo-evolution/client";
import { announce, dismiss, show } from "../design/announcer.ts";
import { t, tn } from "../words/index.ts";
import { type Act, type Changes, type Operation, edit, inverse } from "./edits.ts";
import { actAndCome } from "./focus.ts";
import { find } from "./list.ts";
import { submit } from "./outbox.ts";
import { matches, wanted } from "./wanted.ts";

const BATCH = 100;
const REMEMBERED = 50;

interface Step {
  operations: Operation[];
  words: string;
}

const undoable: Step[] = [];

export function create(title: string, priority: Priority, description: string | null = null): string {
  const id = uuid7();
  perform([{ op: "create", id, todo: { title, priority, description }, at: new Date().toISOString() }], t("undone_add", { title }));
  const todo = find(id);
  if (todo && !matches(todo, wanted.peek())) show({ kind: "news", words: t("added_hidden", { title }) });
  else announce(t("added", { title }));
  return id;
}

export function update(todo: Todo, changes: Changes): void {
  perform([{ op: "update", id: todo.id, changes }], t("undone_update", { title: todo.title }));
  announce(t("saved", { title: changes.title ?? todo.title }));
}

/** Complete, reopen, delete or restore some todos, and offer the way back. */
export function act(op: Act, todos: readonly Todo[]): void {
  const [first] = todos;
  if (!first) return;
  const words = todos.length === 1 ? t(`did_${op}`, { title: first.title }) : tn(`did_many_${op}`, todos.length);
  perform(
    todos.map(({ id }) => ({ op, id })),
    todos.length === 1 ? t("undone_act", { title: first.title }) : tn("undone_many", todos.length),
  );
  show({ kind: "news", words, undo });
}

export function prioritise(todos: readonly Todo[], priority: Priority): void {
  if (!todos.length) return;
  perform(
    todos.map(({ id }) => ({ op: "update", id, changes: { priority } })),
    tn("undone_many", todos.length),
  );
  announce(tn("did_many_update", todos.length));
}

/** Take back what was done last. */
export function undo(): void {
  const step = undoable.pop();
  if (!step) {
    dismiss();
    announce(t("nothing_to_undo"));
    return;
  }
  actAndCome(step.operations[0]!.id, () => send(step.operations));
  show({ kind: "news", words: step.words });
}

export function forgetSteps(): void {
  undoable.length = 0;
}

function perform(operations: Operation[], words: string): void {
  const back = operations.map((operation) => inverse(operation, find(operation.id))).filter((operation) => operation !== undefined);
  if (back.length) undoable.push({ operations: back.reverse(), words });
  if (undoable.length > REMEMBERED) undoable.shift();
  send(operations);
}

function send(operations: Operation[]): void {
  for (let from = 0; from < operations.length; from += BATCH) void submit(edit(...operations.slice(from, from + BATCH)));
}
