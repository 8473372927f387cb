/** Where the page is. Links are plain links; those to screens of ours are followed without loading the page anew. */
import { signal } from "@preact/signals";

export const place = signal(new URL(location.href));

const SCREENS = new Set(["/", "/login", "/consent", "/account", "/apps", "/activity"]);

export function go(address: string, { instead = false } = {}): void {
  const target = new URL(address, location.href);
  history[instead ? "replaceState" : "pushState"](null, "", target);
  if (target.pathname !== place.peek().pathname) scrollTo(0, 0);
  place.value = target;
}

addEventListener("popstate", () => (place.value = new URL(location.href)));

addEventListener("click", (event) => {
  const link = (event.target as Element).closest?.("a");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.target || link.download || link.origin !== location.origin || !SCREENS.has(link.pathname)) return;
  event.preventDefault();
  go(link.href);
});
