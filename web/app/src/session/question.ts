/** What an app asks of a person: the query that Better Auth signed, sent the browser here with, and wants back. */
import { auth, got } from "./auth.ts";

export interface Question {
  signed: string;
  redirectUri: string;
  wantsNewAccount: boolean;
  hasExpired: () => boolean;
  /** Raises `invalid_signature` unless the question is whole and still open. */
  verify: () => Promise<unknown>;
}

export function questionIn(place: URL): Question | null {
  const signed = place.search.slice(1);
  const query = place.searchParams;
  if (place.pathname !== "/login" || !query.has("sig")) return null;
  return {
    signed,
    redirectUri: query.get("redirect_uri") ?? "",
    wantsNewAccount: (query.get("prompt") ?? "").split(" ").includes("create"),
    hasExpired: () => Number(query.get("exp")) * 1000 < Date.now(),
    verify: () =>
      got((options) =>
        auth.$fetch("/oauth2/public-client-prelogin", {
          method: "POST",
          body: { client_id: query.get("client_id"), oauth_query: signed },
          ...options,
        }),
      ),
  };
}
