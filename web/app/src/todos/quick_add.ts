/** What is typed in one line: a title, and its priority by a mark. */
import type { Priority } from "@todo-evolution/client";

export interface Typed {
  title: string;
  priority: Priority;
}

const BY_NAME = /(^|\s)!(low|medium|high|urgent)(?=\s|$)/i;
const BY_MARKS = /(^|\s)(!{1,3})(?=\s|$)/;
const MARKS: Record<string, Priority> = { "!": "medium", "!!": "high", "!!!": "urgent" };

/** Read a line: `!high`, or `!`, `!!`, `!!!` on their own, set the priority and are no part of the title. */
export function typed(line: string): Typed {
  const named = BY_NAME.exec(line);
  const marked = BY_MARKS.exec(line);
  const priority = named ? (named[2]!.toLowerCase() as Priority) : marked ? MARKS[marked[2]!]! : "medium";
  const title = (named ? line.replace(BY_NAME, "$1") : line.replace(BY_MARKS, "$1")).replace(/\s+/g, " ").trim();
  return { title, priority };
}
