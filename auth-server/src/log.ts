type Level = "debug" | "info" | "warn" | "error";

const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;
const EMAIL = /[^\s"'<>()]+@[^\s"'<>()]+/g;
// Tokens, hashes and keys; names of error codes are long too, but all capitals.
const SECRET = /(?![A-Z_]+\b)[\w+/%=.~-]{28,}/g;

/** One line, without argument objects: an error object carries rows, cookies and e-mail addresses. */
export function log(level: Level, message: string): void {
  const text = message.replace(CONTROL, " ").replace(EMAIL, "[redacted]").replace(SECRET, "[redacted]");
  process.stderr.write(`auth: ${level} ${text.slice(0, 300)}\n`);
}

/** What may be said of an error: its kind and its code, else its message. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const code = errorCode(error);
  return code ? `${error.name} ${code}` : `${error.name}: ${error.message}`;
}

export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** Dependencies print what went wrong together with the objects it went wrong with. */
export function captureConsole(): void {
  for (const [method, level] of [
    ["debug", "debug"],
    ["log", "info"],
    ["info", "info"],
    ["warn", "warn"],
    ["error", "error"],
  ] as const) {
    console[method] = (...parts: unknown[]) => {
      const [first, second] = parts;
      log(level, [typeof first === "string" ? first : reason(first), second instanceof Error ? reason(second) : ""].join(" ").trim());
    };
  }
}
