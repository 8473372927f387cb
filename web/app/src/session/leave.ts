/** Where Better Auth leads on to after a sign-in. */
import { isOurs, leadsTo } from "../../../pages/app_place.js";

/** Go to a page of ours, or to the app whose registered address is `redirectUri`; never anywhere else. */
export function follow(address: string, redirectUri: string): void {
  if (!isOurs(address) && !leadsTo(address, redirectUri)) {
    throw new Error("The answer leads to an address where nobody should be sent.");
  }
  location.replace(address);
}
