/** Whether the server answers. */
import { signal } from "@preact/signals";

export const isReachable = signal(navigator.onLine);

addEventListener("offline", () => (isReachable.value = false));
