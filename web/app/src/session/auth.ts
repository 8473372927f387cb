/** Better Auth's own client: accounts, sessions, and the access tokens that the API takes. */
import { passkeyClient } from "@better-auth/passkey/client";
import { Refusal, SESSION_ENDED, Unreachable, createTodoApi } from "@todo-evolution/client";
import { createAuthClient } from "better-auth/client";
import { jwtClient, twoFactorClient } from "better-auth/client/plugins";

export const auth = createAuthClient({
  plugins: [jwtClient(), twoFactorClient(), passkeyClient()],
  // They go wherever an answer says; where one may be sent is decided in `leave.ts`.
  disableDefaultFetchPlugins: true,
});

/** Better Auth refused, or could not be asked; the words for it are looked up by `code`. */
export class AuthTrouble extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message = "",
    readonly waitSeconds = 0,
  ) {
    super(message);
  }
}

interface Answer<T> {
  data: T | null;
  error: { code?: string | undefined; error?: string | undefined; message?: string | undefined; status: number } | null;
}

/** Wait for an answer of Better Auth and give what it holds; raises `AuthTrouble`. */
export async function got<T>(asked: (options: { onError: (context: { response: Response }) => void }) => Promise<Answer<T>>): Promise<T> {
  let wait = 0;
  const onError = ({ response }: { response: Response }) => {
    wait = Number(response.headers.get("retry-after") ?? response.headers.get("x-retry-after") ?? 0);
  };
  const { data, error } = await asked({ onError }).catch(() => {
    throw new AuthTrouble("UNREACHABLE", 0);
  });
  if (error) {
    const code = error.status === 429 ? "TOO_MANY" : (error.code ?? error.error ?? "");
    throw new AuthTrouble(error.status === 0 ? "UNREACHABLE" : code, error.status, error.message, wait || 60);
  }
  return data as T;
}

export const api = createTodoApi({
  fetchToken: async () => {
    try {
      return (await got<{ token: string }>((options) => auth.token({ fetchOptions: options }))).token;
    } catch (trouble) {
      if (!(trouble instanceof AuthTrouble)) throw trouble;
      if (trouble.status === 401) throw new Refusal({ error_code: SESSION_ENDED, detail: "", status: 401 });
      throw new Unreachable(trouble.code);
    }
  },
});
