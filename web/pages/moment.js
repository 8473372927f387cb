/** Times as people say them; the exact one is a pointer away. */
import { make } from "./page.js";

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const EXACTLY = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function day(iso) {
  return time(iso, DAY.format(new Date(iso)));
}

export function lastUse(iso) {
  const seconds = (Date.now() - new Date(iso)) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  if (!unit) return time(iso, "just now");
  return unit === "day" && seconds > 30 * length ? day(iso) : time(iso, AGO.format(-Math.floor(seconds / length), unit));
}

function time(iso, words) {
  return make("time", { dateTime: iso, title: EXACTLY.format(new Date(iso)) }, words);
}
