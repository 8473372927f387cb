/** What a screen reader is told, and what everybody sees for a while with a way back. */
import { signal } from "@preact/signals";

export interface Toast {
  words: string;
  kind: "news" | "trouble";
  undo?: () => void;
}

const SHOWN_MILLISECONDS = 8_000;

export const said = signal("");
export const toast = signal<Toast | null>(null);
let timer = 0;

/** Tell it to those who cannot see it happen. */
export function announce(words: string): void {
  // The same words twice would not be read out again.
  said.value = said.peek() === words ? `${words}\u00a0` : words;
}

export function show(next: Toast): void {
  toast.value = next;
  announce(next.words);
  stay(false);
}

export function dismiss(): void {
  clearTimeout(timer);
  toast.value = null;
}

/** Leave it there while somebody is at it. */
export function stay(stays: boolean): void {
  clearTimeout(timer);
  if (!stays) timer = window.setTimeout(dismiss, SHOWN_MILLISECONDS);
}

/** Say nothing of what was before. */
export function hush(): void {
  dismiss();
  said.value = "";
}
