/** The keys of the list, and where the focus is after each action. */
import type { Virtualizer } from "@tanstack/virtual-core";
import type { Todo } from "@todo-evolution/client";
import { act, prioritise, undo } from "./actions.ts";
import { isHelpOpen } from "./KeysHelp.tsx";
import { list } from "./list.ts";
import { cursor, editing, isSelecting, leaveSelection, toggleSelected } from "./selection.ts";

export const rowsInView: { current: Virtualizer<Window, HTMLLIElement> | null } = { current: null };

const LONGEST_FRAMES = 30;
/** The row that the focus is on its way to: what is pressed meanwhile is meant for it. */
let awaited: string | null = null;
const TYPED_IN = "input:not([type=checkbox]), textarea, select, dialog";
const BY_NUMBER = { 1: "low", 2: "medium", 3: "high", 4: "urgent" } as const;

/** Listen to the keys until the function it gives is called. */
export function keyboard(): () => void {
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

/** Do something with a todo that may leave the list by it; the focus goes to the one that takes its place. */
export function actAndMoveOn(todo: Todo, work: () => void): void {
  const { items } = list.peek();
  const at = items.findIndex(({ id }) => id === todo.id);
  work();
  const after = list.peek().items;
  if (after.some(({ id }) => id === todo.id)) return focusRow(todo.id);
  const next = after[Math.min(at, after.length - 1)];
  if (next) focusRow(next.id);
  else document.getElementById("new-todo")?.focus();
}

/** Bring a row into sight, and the focus to it. */
export function focusRow(id: string): void {
  const at = list.peek().items.findIndex((todo) => todo.id === id);
  if (at < 0) return;
  cursor.value = id;
  rowsInView.current?.scrollToIndex(at, { align: "auto" });
  awaited = id;
  focusSoon(id, LONGEST_FRAMES);
}

/** A row that was out of sight, or being edited, is there a moment later. */
function focusSoon(id: string, frames: number): void {
  requestAnimationFrame(() => {
    // Meanwhile the keyboard may have gone on to another.
    if (cursor.peek() !== id) return;
    const row = document.querySelector(`[data-id="${CSS.escape(id)}"]`);
    const target = row?.querySelector<HTMLElement>(".what:not(:disabled), .act");
    if (!target && frames > 0) return focusSoon(id, frames - 1);
    awaited = null;
    target?.focus({ preventScroll: true });
  });
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as Element;
  const isCommand = event.ctrlKey || event.metaKey;
  if (target.closest(TYPED_IN)) return;
  if (isCommand && !event.shiftKey && event.key.toLowerCase() === "z") return handled(event, undo);
  if (isCommand || event.altKey) return;
  const work = general(event.key) ?? ofRow(event.key);
  if (work) handled(event, work);
}

function handled(event: Event, work: () => void): void {
  event.preventDefault();
  work();
}

function general(key: string): (() => void) | undefined {
  switch (key) {
    case "n":
      return () => document.getElementById("new-todo")?.focus();
    case "/":
      return () => document.getElementById("search")?.focus();
    case "?":
      return () => (isHelpOpen.value = true);
    case "Escape":
      return isSelecting.peek() ? leaveSelection : undefined;
    case "ArrowDown":
    case "j":
      return () => move(1);
    case "ArrowUp":
    case "k":
      return () => move(-1);
    default:
      return undefined;
  }
}

function isInList(): boolean {
  return Boolean(document.activeElement?.closest(".row")) || (awaited !== null && awaited === cursor.peek());
}

function move(by: number): void {
  const { items } = list.peek();
  const at = items.findIndex(({ id }) => id === cursor.peek());
  const next = items[isInList() ? Math.max(0, Math.min(at + by, items.length - 1)) : Math.max(0, at)];
  if (next) focusRow(next.id);
}

function ofRow(key: string): (() => void) | undefined {
  if (!isInList()) return undefined;
  const todo = list.peek().items.find(({ id }) => id === cursor.peek());
  if (!todo) return undefined;
  const isTrash = todo.deleted_at !== null;
  if (key === "Delete" || key === "Backspace") return () => actAndMoveOn(todo, () => act(isTrash ? "restore" : "delete", [todo]));
  if (key === "x") return () => toggleSelected(todo.id);
  if (isTrash) return undefined;
  if (key === "c") return () => actAndMoveOn(todo, () => act(todo.is_completed ? "reopen" : "complete", [todo]));
  if (key === "e") return () => (editing.value = todo.id);
  if (key in BY_NUMBER) return () => prioritise([todo], BY_NUMBER[Number(key) as keyof typeof BY_NUMBER]);
  return undefined;
}
