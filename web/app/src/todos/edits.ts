/** What can be done with todos: what becomes of them at once, before the server has confirmed it, and how it is undone. */
import type { Priority, Todo } from "@todo-evolution/client";
import { uuid7 } from "@todo-evolution/client";

export interface NewTodo {
  title: string;
  description: string | null;
  priority: Priority;
}

export type Changes = Partial<NewTodo>;
export type Act = "complete" | "reopen" | "delete" | "restore";

export type Operation =
  | { op: "create"; id: string; todo: NewTodo; at: string }
  | { op: "update"; id: string; changes: Changes }
  | { op: Act; id: string };

/** One thing a person did: to one todo, or to many at once. `key` names it, so that it is done once however often it is sent. */
export interface Edit {
  key: string;
  operations: Operation[];
}

export function edit(...operations: Operation[]): Edit {
  return { key: uuid7(), operations };
}

/** Give the todo as it will be; `todo` is undefined where it is not there yet. */
export function applied(todo: Todo | undefined, operation: Operation, now: string): Todo | undefined {
  if (operation.op === "create") {
    return todo ?? fresh(operation.id, operation.todo, operation.at);
  }
  if (!todo) return undefined;
  switch (operation.op) {
    case "update":
      return { ...todo, ...operation.changes, updated_at: later(now) };
    case "complete":
      return todo.is_completed ? todo : { ...todo, is_completed: true, completed_at: now, updated_at: later(now) };
    case "reopen":
      return { ...todo, is_completed: false, completed_at: null, updated_at: later(now) };
    case "delete":
      return { ...todo, deleted_at: now };
    case "restore":
      return { ...todo, deleted_at: null };
  }
}

/** Until the server has said when, it is after everything that it has told: clocks differ, and the order would jump. */
function later(moment: string): string {
  return `9999-${moment}`;
}

function fresh(id: string, todo: NewTodo, at: string): Todo {
  const when = { created_at: later(at), updated_at: later(at), completed_at: null, deleted_at: null };
  return { id, ...todo, ...when, is_completed: false, version: 0 };
}

/** Give what takes an operation back; `before` is the todo as it was. */
export function inverse(operation: Operation, before: Todo | undefined): Operation | undefined {
  const { id } = operation;
  switch (operation.op) {
    case "create":
      return { op: "delete", id };
    case "delete":
      return { op: "restore", id };
    case "restore":
      return { op: "delete", id };
    case "complete":
      return before?.is_completed ? undefined : { op: "reopen", id };
    case "reopen":
      return before?.is_completed ? { op: "complete", id } : undefined;
    case "update": {
      if (!before) return undefined;
      const { title, description, priority } = before;
      const names = Object.keys(operation.changes) as (keyof NewTodo)[];
      const was = { title, description, priority };
      return { op: "update", id, changes: Object.fromEntries(names.map((name) => [name, was[name]])) };
    }
  }
}
