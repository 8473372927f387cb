/** Keeps the page's own files, so that it opens without the server. What is asked of the API is none of its business. */

declare const FILES: string[];
declare const VERSION: string;

const worker = self as unknown as ServiceWorkerGlobalScope;

const CACHE = `page-${VERSION}`;
const PAGE = "/";
const SCREENS = new Set([PAGE, "/account", "/apps", "/activity"]);
const PATIENCE_MILLISECONDS = 3_000;

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...FILES])));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers());
});

worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== worker.location.origin) return;
  if (mode === "navigate") {
    if (SCREENS.has(pathname)) event.respondWith(freshOrKept(event.request));
  } else if (FILES.includes(pathname)) {
    event.respondWith(keptOrFresh(event.request));
  }
});

async function freshOrKept(request: Request): Promise<Response> {
  try {
    // By its address, for a navigation itself takes no limit of time.
    return await fetch(request.url, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
  } catch (reason) {
    const kept = await caches.match(PAGE);
    if (!kept) throw reason;
    return kept;
  }
}

async function keptOrFresh(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}
