/** Which todos are shown, in which order. It stands in the address, so that it can be kept, shared and gone back to. */
import { computed } from "@preact/signals";
import type { Priority, Todo } from "@todo-evolution/client";
import { go, place } from "../router.ts";

export const STATUSES = ["active", "completed", "all", "deleted"] as const;
export const PRIORITIES = ["urgent", "high", "medium", "low"] as const satisfies readonly Priority[];
export const SORTS = ["-created_at", "created_at", "-priority", "-updated_at", "title"] as const;

export type Status = (typeof STATUSES)[number];
export type Sort = (typeof SORTS)[number];

export interface Wanted {
  status: Status;
  priority: Priority[];
  q: string;
  sort: Sort;
}

const LONGEST_SEARCH = 200;
const RANK: Record<Priority, number> = { low: 1, medium: 2, high: 3, urgent: 4 };

export const USUAL: Wanted = { status: "active", priority: [], q: "", sort: "-created_at" };

export const wanted = computed<Wanted>(() => {
  const asked = place.value.searchParams;
  const priorities = asked.getAll("priority");
  return {
    status: STATUSES.find((status) => status === asked.get("status")) ?? USUAL.status,
    priority: PRIORITIES.filter((priority) => priorities.includes(priority)),
    q: (asked.get("q") ?? "").slice(0, LONGEST_SEARCH),
    sort: SORTS.find((sort) => sort === asked.get("sort")) ?? USUAL.sort,
  };
});

export function want(changes: Partial<Wanted>): void {
  const next = { ...wanted.peek(), ...changes };
  const query = new URLSearchParams();
  if (next.status !== USUAL.status) query.set("status", next.status);
  for (const priority of next.priority) query.append("priority", priority);
  if (next.q) query.set("q", next.q);
  if (next.sort !== USUAL.sort) query.set("sort", next.sort);
  const text = query.toString();
  // Each letter typed is no step to go back to.
  go(text ? `/?${text}` : "/", { instead: "q" in changes });
}

export const isUsual = computed(() => {
  const { status, priority, q, sort } = wanted.value;
  return status === USUAL.status && !priority.length && !q && sort === USUAL.sort;
});

export const isNarrowed = computed(() => wanted.value.q !== "" || wanted.value.priority.length > 0);

/** Whether a todo belongs to what is shown, as the server would say. */
export function matches(todo: Todo, { status, priority, q }: Wanted): boolean {
  if ((todo.deleted_at !== null) !== (status === "deleted")) return false;
  if (status === "active" && todo.is_completed) return false;
  if (status === "completed" && !todo.is_completed) return false;
  if (priority.length && !priority.includes(todo.priority)) return false;
  return `${todo.title}\n${todo.description ?? ""}`.toLowerCase().includes(q.toLowerCase());
}

/** Compare as the list is ordered; equal values go by id. */
export function compare(a: Todo, b: Todo, sort: Sort): number {
  const turned = sort.startsWith("-") ? -1 : 1;
  switch (sort) {
    case "-priority":
      return turned * (RANK[a.priority] - RANK[b.priority] || order(a.id, b.id));
    case "title":
      return order(a.title.toLowerCase(), b.title.toLowerCase()) || order(a.id, b.id);
    case "-updated_at":
      return turned * (order(a.updated_at, b.updated_at) || order(a.id, b.id));
    default:
      return turned * (order(a.created_at, b.created_at) || order(a.id, b.id));
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
