/** Times as people say them. */
import { language, t } from "../words/index.ts";

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
const LONGEST_AGO_DAYS = 30;

export function day(moment: string | Date): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: "medium" }).format(new Date(moment));
}

export function ago(moment: string | Date): string {
  const seconds = (Date.now() - new Date(moment).getTime()) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  if (!unit || !length) return t("just_now");
  if (seconds > LONGEST_AGO_DAYS * 86_400) return day(moment);
  return new Intl.RelativeTimeFormat(language.value, { numeric: "auto" }).format(-Math.floor(seconds / length), unit);
}
