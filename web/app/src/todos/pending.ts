/** Edits that the server has not confirmed yet, in the order they were made. */
import { signal } from "@preact/signals";
import type { Edit } from "./edits.ts";

export const pending = signal<readonly Edit[]>([]);
