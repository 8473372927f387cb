/** What was done, one request or call at a time, made from single changes. */
import type { components } from "@todo-evolution/client";

export type Change = components["schemas"]["ActivityEntry"];

export interface ActionTaken {
  /** What it is undone by; null where it was not recorded. */
  action: number | null;
  changes: Change[];
  isUndone: boolean;
}

/** Put changes, the newest first, together to what was done at once. */
export function actionsIn(changes: readonly Change[]): ActionTaken[] {
  const undone = new Set<number>();
  // An undo that was undone itself counts for nothing; what undid it is newer, so it has been seen before.
  for (const { seq, undoes } of changes) if (undoes !== null && !undone.has(seq)) undone.add(undoes);
  const actions: Change[][] = [];
  for (const change of changes) {
    const last = actions.at(-1);
    if (last && change.action !== null && last[0]?.action === change.action) last.push(change);
    else actions.push([change]);
  }
  return actions.map((of) => ({ action: of[0]!.action, changes: of, isUndone: of.every(({ seq }) => undone.has(seq)) }));
}

/** Whether an app or a key did it. */
export function isOfOthers({ changes: [first] }: ActionTaken): boolean {
  return /^(app|key):/.test(first?.client ?? "");
}

/** Whether the newest changes reach down to those that are known, so that none is missing between. */
export function isJoined(newest: readonly Change[], known: readonly Change[]): boolean {
  const [last, first] = [newest.at(-1), known[0]];
  return last !== undefined && first !== undefined && last.seq <= first.seq;
}

export function withOlder(newest: readonly Change[], known: readonly Change[]): Change[] {
  const { seq } = newest.at(-1)!;
  return [...newest, ...known.filter((change) => change.seq < seq)];
}
