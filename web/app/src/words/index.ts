/** What the page says, in the language of the person. Every key is in every language: the types demand it. */
import { computed, signal } from "@preact/signals";
import type { ComponentChild } from "preact";
import en from "./en.ts";

export type Words = Record<keyof typeof en, string>;
export type Key = keyof typeof en;
/** Words that go with a number: `key_one`, `key_other`. */
type Counted = { [K in Key]: K extends `${infer Stem}_other` ? Stem : never }[Key];

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français" } as const;
export type Language = keyof typeof LANGUAGES;

const CHOSEN = "todo-language";
const CATALOGUES: Record<Language, () => Promise<{ default: Words }>> = {
  en: async () => ({ default: en }),
  de: () => import("./de.ts"),
  fr: () => import("./fr.ts"),
};

const words = signal<Words>(en);
export const language = signal<Language>("en");

/** Say something; `{name}` in the words is filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words.value[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Say something with elements in it: a name set off, a link. */
export function withElements(key: Key, values: Record<string, ComponentChild>): ComponentChild[] {
  // Every other part is the name of a value.
  return words.value[key].split(/\{(\w+)\}/).map((part, index) => (index % 2 ? values[part] : part));
}

/** Say something about a number of things, in the form that the language has for it. */
export function tn(key: Counted, count: number, values: Record<string, string | number> = {}): string {
  const form = new Intl.PluralRules(language.value).select(count) === "one" ? "one" : "other";
  return t(`${key}_${form}` as Key, { count: number.value.format(count), ...values });
}

const number = computed(() => new Intl.NumberFormat(language.value));

export async function speak(wanted: Language): Promise<void> {
  words.value = (await CATALOGUES[wanted]()).default;
  language.value = wanted;
  document.documentElement.lang = wanted;
}

export function choose(wanted: Language): void {
  localStorage.setItem(CHOSEN, wanted);
  void speak(wanted);
}

/** The language chosen here before, else the first of the browser's that we speak. */
export function preferred(): Language {
  const asked = [localStorage.getItem(CHOSEN) ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2));
  return asked.find((tag): tag is Language => tag in LANGUAGES) ?? "en";
}
