/** What stays in this browser, so that the page works without the server: never a password, a token or a key. */
import { clear, createStore, del, entries, get, set } from "idb-keyval";
import type { Todo } from "@todo-evolution/client";
import type { Person } from "../session/session.ts";
import type { Edit } from "../todos/edits.ts";

const about = createStore("todo-page", "kept");
const queue = createStore("todo-edits", "edits");

let keepsEdits = true;

// A browser that keeps nothing (a private window) is no reason not to work.
const orNothing = async <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);

export const keptPerson = (): Promise<Person | undefined> => orNothing(get<Person>("person", about));

export async function keepPerson({ id, name, email }: Person): Promise<void> {
  await orNothing(set("person", { id, name, email }, about));
}

export async function forgetPerson(): Promise<void> {
  await Promise.all([orNothing(clear(about)), orNothing(clear(queue))]);
}

export const keptList = (): Promise<Todo[] | undefined> => orNothing(get<Todo[]>("list", about));

export async function keepList(items: Todo[]): Promise<void> {
  await orNothing(set("list", items, about));
}

/** Edits that the server has not confirmed yet, in the order they were made. */
export async function keptEdits(): Promise<Edit[]> {
  const found = (await orNothing(entries<string, Edit>(queue))) ?? [];
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edit]) => edit);
}

export async function keepEdit(edit: Edit): Promise<void> {
  await set(edit.key, edit, queue).catch(() => (keepsEdits = false));
}

/** Whether an edit still waits; where nothing can be kept, it does. */
export async function isStillKept(key: string): Promise<boolean> {
  return !keepsEdits || (await get(key, queue)) !== undefined;
}

export async function dropEdit(key: string): Promise<void> {
  await orNothing(del(key, queue));
}
