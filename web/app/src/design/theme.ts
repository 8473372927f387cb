/** Light, dark, or as the device has it. */
import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

// Read by `pages/theme.js` too, before this is there.
const CHOSEN = "todo-theme";
const kept = localStorage.getItem(CHOSEN);
export const theme = signal<Theme>(THEMES.find((name) => name === kept) ?? "system");

export function chooseTheme(wanted: Theme): void {
  if (wanted === "system") localStorage.removeItem(CHOSEN);
  else localStorage.setItem(CHOSEN, wanted);
  theme.value = wanted;
}

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === "system") delete dataset.theme;
  else dataset.theme = theme.value;
});
