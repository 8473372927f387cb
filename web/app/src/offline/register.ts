/** Has the browser keep the page, so that it opens without the server. */

const ADDRESS = "/sw.js";

interface TrustedTypes {
  createPolicy: (name: string, rules: { createScriptURL: (address: string) => string }) => { createScriptURL: (address: string) => string };
}

/** Ask for it once the page is there. Browsers offer it on https and on this computer alone. */
export function stayReady(): void {
  if (!("serviceWorker" in navigator)) return;
  addEventListener("load", () => void navigator.serviceWorker.register(trusted()).catch(() => {}), { once: true });
}

/** The one address of a script that this page may name. */
function trusted(): string {
  const { trustedTypes } = window as unknown as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("todo-service-worker", { createScriptURL: () => ADDRESS });
  return policy?.createScriptURL(ADDRESS) ?? ADDRESS;
}
