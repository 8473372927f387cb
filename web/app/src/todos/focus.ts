/** Where the keyboard is after each action. */
import type { Virtualizer } from "@tanstack/virtual-core";
import type { Todo } from "@todo-evolution/client";
import { list } from "./list.ts";
import { cursor, leaveSelection } from "./selection.ts";

export const rowsInView: { current: Virtualizer<Window, HTMLLIElement> | null } = { current: null };

const LONGEST_FRAMES = 30;
/** The row that the focus is on its way to: what is pressed meanwhile is meant for it. */
let awaited: string | null = null;

/** Do something with a todo that may leave the list by it; the focus goes to the one that takes its place. */
export function actAndMoveOn(todo: Todo, work: () => void): void {
  const { items } = list.peek();
  const at = items.findIndex(({ id }) => id === todo.id);
  work();
  const after = list.peek().items;
  if (after.some(({ id }) => id === todo.id)) return focusRow(todo.id);
  const next = after[Math.min(at, after.length - 1)];
  if (next) focusRow(next.id);
  else focusBeginning();
}

/** Begin anew: at the line for new todos, or where it would bring up a keyboard on the screen, at the heading. */
export function focusBeginning(): void {
  const id = matchMedia("(pointer: coarse)").matches ? "todos-title" : "new-todo";
  document.getElementById(id)?.focus();
}

/** Leave the selection; what acts on it goes, and the focus to the row one was at, or to what begins a selection. */
export function finishSelection(): void {
  leaveSelection();
  const at = cursor.peek();
  if (at && list.peek().items.some(({ id }) => id === at)) focusRow(at);
  else document.getElementById("select")?.focus();
}

/** Do something with this todo from elsewhere: the focus goes to it, or stays near where it was if the todo is not shown. */
export function actAndCome(id: string, work: () => void): void {
  const from = document.activeElement;
  const at = list.peek().items.findIndex((todo) => todo.id === from?.closest<HTMLElement>(".row")?.dataset.id);
  const was = list.peek().items[at]?.id;
  work();
  if (from !== document.body && !from?.closest(".toast, .row")) return;
  const { items } = list.peek();
  const target = [id, was, items[Math.min(at, items.length - 1)]?.id].find((each) => items.some((todo) => todo.id === each));
  if (target) focusRow(target);
  else focusBeginning();
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

/** Whether keys are meant for a row. */
export function isInList(): boolean {
  return Boolean(document.activeElement?.closest(".row")) || (awaited !== null && awaited === cursor.peek());
}
