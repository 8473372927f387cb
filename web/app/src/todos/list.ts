/**
 * The list that is shown: pages as the server gave them, with what was done since, here and elsewhere.
 *
 * `truths` are the todos as the server last told them; what is shown is a truth with the edits on it that are not
 * confirmed yet. So a refused edit needs no way back: it is taken out, and the truth shows again.
 */
import { computed, effect, signal } from "@preact/signals";
import { Refusal, SESSION_ENDED, type Todo, Unreachable, answered } from "@todo-evolution/client";
import { announce } from "../design/announcer.ts";
import { isReachable } from "../offline/reachable.ts";
import { keepList, keptList } from "../offline/storage.ts";
import { api } from "../session/auth.ts";
import { person, recognise } from "../session/session.ts";
import { applied } from "./edits.ts";
import { pending } from "./pending.ts";
import { type Wanted, compare, isNarrowed, isUsual, matches, wanted } from "./wanted.ts";
import { t, tn } from "../words/index.ts";

export type Phase = "loading" | "ready" | "failed";

export interface List {
  phase: Phase;
  items: readonly Todo[];
  total: number;
  next: string | null;
}

const PAGE = 100;
const KEPT = 500;
const RECOUNT_MILLISECONDS = 1_000;
const KEEP_MILLISECONDS = 300;

const NOTHING: List = { phase: "loading", items: [], total: 0, next: null };
export const list = signal<List>(NOTHING);
export const isLoadingMore = signal(false);
export const isStale = signal(false);
/** Whether what is shown was kept in this browser, and not told by the server now. */
export const isKept = signal(false);

const truths = new Map<string, Todo>();
let loading = new AbortController();
/** What was said while a page was on its way: the page may be older. */
let meanwhile: Map<string, Todo | null> | null = null;
let recounting = 0;
let keeping = 0;
let asked = "[null]";

export const isEmpty = computed(() => list.value.phase === "ready" && list.value.items.length === 0);

/** Load the list from its beginning. What is shown stays until the new one is there. */
export async function load(): Promise<void> {
  loading.abort();
  const { signal: aborted } = (loading = new AbortController());
  const asked = wanted.peek();
  list.value = { ...list.peek(), phase: list.peek().items.length ? list.peek().phase : "loading" };
  isStale.value = true;
  const told = (meanwhile = new Map<string, Todo | null>());
  try {
    const page = await fetchPage(asked, { limit: PAGE }, aborted);
    if (aborted.aborted) return;
    truths.clear();
    isReachable.value = true;
    isKept.value = false;
    present(asked, page.items, page.total, page.page.next_cursor);
    meanwhile = null;
    settle(told);
    keep();
  } catch (reason) {
    if (aborted.aborted) return;
    if (reason instanceof Refusal && reason.code === SESSION_ENDED) await recognise();
    else if (reason instanceof Unreachable) await fallBack(asked);
    else list.value = { ...NOTHING, phase: "failed" };
  }
  isStale.value = false;
  meanwhile = null;
}

/** Show what was kept here, as far as it goes; without the server there is no more. */
async function fallBack(asked: Wanted): Promise<void> {
  isReachable.value = false;
  isKept.value = true;
  const kept = truths.size ? [...truths.values()] : await keptList();
  if (!kept && !pending.peek().length) {
    list.value = { ...NOTHING, phase: "failed" };
    return;
  }
  const fitting = (kept ?? []).filter((todo) => matches(todo, asked)).sort((a, b) => compare(a, b, asked.sort));
  present(asked, fitting, fitting.length, null, kept ?? []);
}

/** Load the next page, if there is one. */
export async function more(): Promise<void> {
  const { next } = list.peek();
  if (!next || isLoadingMore.peek()) return;
  const { signal: aborted } = loading;
  isLoadingMore.value = true;
  try {
    const page = await fetchPage(wanted.peek(), { limit: PAGE, cursor: next }, aborted);
    if (aborted.aborted) return;
    for (const todo of page.items) if ((truths.get(todo.id)?.version ?? 0) <= todo.version) truths.set(todo.id, todo);
    const { items } = list.peek();
    const known = new Set(items.map(({ id }) => id));
    const added = page.items.filter(({ id }) => !known.has(id)).map(({ id }) => find(id));
    const fitting = added.filter((todo) => todo !== undefined && matches(todo, wanted.peek())) as Todo[];
    list.value = { phase: "ready", items: [...items, ...fitting], total: page.total, next: page.page.next_cursor };
  } catch (reason) {
    if (reason instanceof Unreachable && !aborted.aborted) isReachable.value = false;
  } finally {
    isLoadingMore.value = false;
  }
}

/** Take in what the server says of some todos; null where one is gone for good. */
export function settle(news: Iterable<readonly [string, Todo | null]>): void {
  const changed = new Set<string>();
  for (const [id, todo] of news) {
    meanwhile?.set(id, todo);
    const known = truths.get(id);
    if (todo === null) truths.delete(id);
    else if (known && known.version > todo.version) continue;
    else truths.set(id, todo);
    changed.add(id);
  }
  if (changed.size) refresh(changed);
}

export function truthOf(id: string): Todo | undefined {
  return truths.get(id);
}

/** Give a todo as it is shown, wherever it is. */
export function find(id: string): Todo | undefined {
  const truth = truths.get(id);
  return truth ? shown(truth) : overlaid(undefined, id);
}

/** Put these todos where they belong now, or take them out. */
export function refresh(ids: ReadonlySet<string>): void {
  const { items, total, next, phase } = list.peek();
  const asked = wanted.peek();
  const staying = items.filter(({ id }) => !ids.has(id));
  let added = 0;
  for (const id of ids) {
    const todo = find(id);
    if (!todo || !matches(todo, asked)) continue;
    added += 1;
    const at = positionOf(todo, staying, asked);
    // Beyond the end of what is loaded it will come with its page.
    if (at < staying.length || next === null) staying.splice(at, 0, todo);
  }
  const removed = items.length + added - staying.length;
  const estimate = next === null ? staying.length : Math.max(staying.length, total + added - removed);
  list.value = { phase, items: staying, total: estimate, next };
  if (next !== null) recountSoon();
}

function present(asked: Wanted, items: readonly Todo[], total: number, next: string | null, known = items): void {
  for (const todo of known) truths.set(todo.id, todo);
  const fitting = items.map(shown).filter((todo): todo is Todo => todo !== undefined && matches(todo, asked));
  list.value = { phase: "ready", items: fitting, total, next };
  const touched = new Set(pending.peek().flatMap(({ operations }) => operations.map(({ id }) => id)));
  if (touched.size) refresh(touched);
}

function shown(truth: Todo): Todo | undefined {
  return overlaid(truth, truth.id);
}

function overlaid(truth: Todo | undefined, id: string): Todo | undefined {
  const now = new Date().toISOString();
  let todo = truth;
  for (const { operations } of pending.peek()) {
    for (const operation of operations) if (operation.id === id) todo = applied(todo, operation, now);
  }
  return todo;
}

function positionOf(todo: Todo, items: readonly Todo[], { sort }: Wanted): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(items[middle]!, todo, sort) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fetchPage({ status, priority, q, sort }: Wanted, page: { limit: number; cursor?: string }, aborted: AbortSignal) {
  const query = { status, priority, q, sort, ...page };
  return answered(api.client.GET("/api/todos", { params: { query }, signal: aborted }));
}

/** Elsewhere more may have changed than what is loaded here: the total is asked for when it has become quiet. */
function recountSoon(): void {
  clearTimeout(recounting);
  recounting = window.setTimeout(async () => {
    const page = await fetchPage(wanted.peek(), { limit: 1 }, loading.signal).catch(() => null);
    if (page && list.peek().next !== null) list.value = { ...list.peek(), total: page.total };
  }, RECOUNT_MILLISECONDS);
}

// What the server said stays here for when it is away; of the usual list, which is what one opens the page with.
effect(() => {
  const { phase } = list.value;
  clearTimeout(keeping);
  if (phase !== "ready" || !isUsual.value || isKept.value) return;
  keeping = window.setTimeout(keep, KEEP_MILLISECONDS);
});

function keep(): void {
  if (isUsual.peek()) void keepList([...truths.values()].slice(0, KEPT));
}

// Another person, another list; other filters, another beginning.
effect(() => {
  const { status, priority, q, sort } = wanted.value;
  const question = JSON.stringify([person.value?.id, status, priority, q, sort]);
  if (question === asked) return;
  const isSomebodyElse = JSON.parse(asked)[0] !== person.value?.id;
  asked = question;
  if (isSomebodyElse) {
    truths.clear();
    list.value = NOTHING;
  }
  if (!person.value) return;
  void load().then(() => {
    if (!isSomebodyElse && asked === question && list.peek().phase === "ready") tell();
  });
});

/** Say how many there are of what was asked for. */
function tell(): void {
  const { total } = list.peek();
  announce(total ? tn("total", total) : t(isNarrowed.peek() ? "empty_found" : `empty_${wanted.peek().status}`));
}
