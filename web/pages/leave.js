/** The only way off these pages that the server decides on. */
import { isOurs, leadsTo } from "./app_place.js";
import { Refusal } from "./server.js";

/**
 * Go where an answer says: to a page of ours, or to the app whose registered address is `redirectUri`. Nobody is sent
 * anywhere else, for an address can also be a script. `instead` forgets this page, so that "back" skips it.
 */
export function leave(url, redirectUri, { instead = false } = {}) {
  if (!isOurs(url) && !leadsTo(url, redirectUri)) {
    throw new Refusal("The answer leads to an address where nobody should be sent.");
  }
  if (instead) location.replace(url);
  else location.assign(url);
}
