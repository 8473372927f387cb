import type { components } from "./schema.ts";

type Problem = components["schemas"]["Problem"];

/** The code of a refusal that `fetchToken` raises when nobody is signed in any more. */
export const SESSION_ENDED = "session_ended";

/** The API refused: `code` is the problem's `error_code`, by which programs decide. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterSeconds: number;

  constructor(problem: Pick<Problem, "error_code" | "detail" | "status">, retryAfterSeconds = 0) {
    super(problem.detail);
    this.code = problem.error_code;
    this.status = problem.status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer came: whether the request was done is not known. */
export class Unreachable extends Error {}

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** Wait for an answer and give what it holds; raises `Refusal`, or `Unreachable` when none came. */
export async function answered<A extends Answer>(asked: Promise<A>): Promise<NonNullable<A["data"]>> {
  const { data, error, response } = await asked.catch((reason: unknown) => {
    if (reason instanceof Refusal) throw reason;
    throw new Unreachable(String(reason));
  });
  if (response.ok) return data as NonNullable<A["data"]>;
  throw refusalOf(response, error);
}

export function refusalOf(response: Response, body: unknown): Refusal {
  const { status } = response;
  const problem = (body && typeof body === "object" ? body : {}) as Partial<Problem>;
  return new Refusal(
    { error_code: problem.error_code ?? "no_problem", detail: problem.detail ?? `HTTP ${status}`, status },
    Number(response.headers.get("retry-after") ?? 0),
  );
}
