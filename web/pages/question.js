/** What an app asks of a person: the query that Better Auth signed, sent the browser here with, and wants back. */
import { call } from "./server.js";

export const OVER = {
  expired: {
    title: "This request has expired",
    words: "It was good for ten minutes. Go back to the app and connect again.",
  },
  changed: {
    title: "This request is not valid",
    words: "It was changed on its way here. Nothing has been allowed. Go back to the app and connect again.",
  },
};

/** Read the question from the address of this page; null where there is none. */
export function question() {
  const signed = location.search.slice(1);
  const query = new URLSearchParams(signed);
  if (!query.has("sig")) return null;
  const words = (name) => (query.get(name) ?? "").split(" ").filter(Boolean);
  return {
    signed,
    clientId: query.get("client_id") ?? "",
    redirectUri: query.get("redirect_uri") ?? "",
    scopes: words("scope"),
    prompt: words("prompt"),
    hasExpired: () => Number(query.get("exp")) * 1000 < Date.now(),
    /** Who asks, as registered; refused with `invalid_signature` unless the question is whole and still open. */
    client: () => call("oauth2/public-client-prelogin", { client_id: query.get("client_id"), oauth_query: signed }),
  };
}
