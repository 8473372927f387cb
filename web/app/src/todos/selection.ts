/** Which todos are selected, and which one the keyboard is at. */
import { computed, signal } from "@preact/signals";
import type { Todo } from "@todo-evolution/client";
import { list } from "./list.ts";

export const isSelecting = signal(false);
export const selected = signal<ReadonlySet<string>>(new Set());
/** The todo that the keyboard is at. */
export const cursor = signal<string | null>(null);
/** The todo that is being edited. */
export const editing = signal<string | null>(null);

/** What is selected and shown: of what one cannot see nothing should become anything. */
export const chosen = computed<Todo[]>(() => list.value.items.filter(({ id }) => selected.value.has(id)));

export function toggleSelected(id: string): void {
  const next = new Set(selected.peek());
  if (!next.delete(id)) next.add(id);
  selected.value = next;
  isSelecting.value = true;
}

export function selectAll(): void {
  selected.value = new Set(list.peek().items.map(({ id }) => id));
}

export function selectNone(): void {
  selected.value = new Set();
}

export function leaveSelection(): void {
  selectNone();
  isSelecting.value = false;
}
