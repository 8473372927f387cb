/** What an app asks of a person: the query that Better Auth signed, sent the browser here with, and wants back. */
import { auth, got } from "./auth.ts";

/** Who asks, as registered; the name is the app's own choice. */
export interface Asker {
  client_id: string;
  client_name?: string | null;
}

export interface Question {
  signed: string;
  redirectUri: string;
  scopes: string[];
  wantsNewAccount: boolean;
  hasExpired: () => boolean;
  /** Gives who asks; raises `invalid_signature` unless the question is whole and still open. */
  asker: () => Promise<Asker>;
}

const ASKED_AT = new Set(["/login", "/consent"]);

export function questionIn(place: URL): Question | null {
  const signed = place.search.slice(1);
  const query = place.searchParams;
  if (!ASKED_AT.has(place.pathname) || !query.has("sig")) return null;
  const words = (name: string) => (query.get(name) ?? "").split(" ").filter(Boolean);
  return {
    signed,
    redirectUri: query.get("redirect_uri") ?? "",
    scopes: [...new Set(words("scope"))],
    wantsNewAccount: words("prompt").includes("create"),
    hasExpired: () => Number(query.get("exp")) * 1000 < Date.now(),
    asker: () => {
      const body = { client_id: query.get("client_id"), oauth_query: signed };
      return got((options) => auth.$fetch("/oauth2/public-client-prelogin", { method: "POST", body, ...options }));
    },
  };
}
