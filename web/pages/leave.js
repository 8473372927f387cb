/** The only way off these pages that the server decides on. */
import { isOurs, leadsTo } from "./app_place.js";

/**
 * Go where an answer says: to a page of ours, or to the app whose registered address is `redirectUri`. Anything
 * else stays here, for an address can also be a script. `instead` forgets this page, so that "back" skips it.
 */
export function leave(url, redirectUri, { instead = false } = {}) {
  if (!isOurs(url) && !leadsTo(url, redirectUri)) throw new Error("an answer led nowhere we send people");
  if (instead) location.replace(url);
  else location.assign(url);
}
