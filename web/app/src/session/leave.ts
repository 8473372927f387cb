/** Where Better Auth leads on to, after a sign-in or a decision: the only way off the page that the server decides on. */
import { isOurs, leadsTo } from "./app_place.ts";
import { AuthTrouble } from "./auth.ts";

/**
 * Go to a page of ours, or to the app whose registered address is `redirectUri`; nobody is sent anywhere else, for an
 * address can also be a script. This page is forgotten, so that "back" skips it.
 */
export function follow(address: string, redirectUri: string): void {
  if (!isOurs(address) && !leadsTo(address, redirectUri)) throw new AuthTrouble("LEADS_ELSEWHERE", 0);
  location.replace(address);
}
