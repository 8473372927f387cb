/** A typed client of the API: every path, parameter and answer is as the OpenAPI document has it. */
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.ts";
import { AccessToken } from "./token.ts";

export { type Change, type Event, follow } from "./events.ts";
export { Refusal, SESSION_ENDED, Unreachable, answered } from "./problem.ts";
export { AccessToken } from "./token.ts";
export { uuid7 } from "./uuid7.ts";
export type { components, operations, paths } from "./schema.ts";

export type Todo = components["schemas"]["TodoRead"];
export type Priority = components["schemas"]["Priority"];
export type TodoPage = components["schemas"]["TodoPage"];
export type Problem = components["schemas"]["Problem"];
export type TodoClient = Client<paths>;

export interface ClientOptions {
  /** Where the service is; left out, where the page came from. */
  origin?: string;
  /** Gives an access token, as Better Auth's `GET /api/auth/token`; raises a `Refusal` with `SESSION_ENDED` if there is none. */
  fetchToken: () => Promise<string>;
}

export interface TodoApi {
  client: TodoClient;
  token: AccessToken;
  origin: string;
}

/** Make a client that sends an access token along, renews it in time, and tries once more with a new one after a 401. */
export function createTodoApi({ origin = "", fetchToken }: ClientOptions): TodoApi {
  const token = new AccessToken(fetchToken);
  const send = async (request: Request): Promise<Response> => {
    const again = request.clone();
    const answer = await fetch(await signed(request, token));
    if (answer.status !== 401) return answer;
    token.forget();
    return fetch(await signed(again, token));
  };
  return { client: createClient<paths>({ baseUrl: origin, fetch: send }), token, origin };
}

async function signed(request: Request, token: AccessToken): Promise<Request> {
  request.headers.set("authorization", `Bearer ${await token.get()}`);
  return request;
}
