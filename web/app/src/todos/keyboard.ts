/** The keys of the list. */
import { act, prioritise, undo } from "./actions.ts";
import { actAndMoveOn, finishSelection, focusRow, isInList } from "./focus.ts";
import { isHelpOpen } from "./KeysHelp.tsx";
import { list } from "./list.ts";
import { cursor, editing, isSelecting, toggleSelected } from "./selection.ts";

const TYPED_IN = "input:not([type=checkbox]), textarea, select, dialog";
const BY_NUMBER = { 1: "low", 2: "medium", 3: "high", 4: "urgent" } as const;

/** Listen to the keys until the function it gives is called. */
export function keyboard(): () => void {
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
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
      return isSelecting.peek() ? finishSelection : undefined;
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
