/** What an app may be allowed, in plain words, in the order in which it matters. */
import { t } from "../words/index.ts";

const IN_ORDER = ["todo:read", "todo:write", "offline_access", "openid", "profile", "email"] as const;

/** Sort scopes by what they mean for the person; those without words come last. */
export function inOrder(scopes: readonly string[]): string[] {
  const known: string[] = IN_ORDER.filter((scope) => scopes.includes(scope));
  return [...known, ...scopes.filter((scope) => !known.includes(scope))];
}

export function wordsOf(scope: string): string {
  const known = IN_ORDER.find((name) => name === scope);
  return known ? t(`scope_${known}`) : t("scope_other", { scope });
}

/** Whether the app is of no use without it. */
export function isNeeded(scope: string, asked: readonly string[]): boolean {
  return scope === "openid" || scope === "todo:read" || (scope === "todo:write" && !asked.includes("todo:read"));
}
