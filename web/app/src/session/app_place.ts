/** Where an app lives. Names are chosen by the apps themselves; where the answer goes is what they had to register. */

export type Place = { kind: "site"; host: string } | { kind: "computer" } | { kind: "device"; scheme: string };

// What browsers open themselves, or what runs where it is opened. Everything else belongs to a program.
const NO_PROGRAM = /^(javascript|data|vbscript|blob|file|filesystem|about|view-source|ws|wss|ftp|mailto|intent|http):$/;
const THIS_COMPUTER = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Tell what is behind a redirect address; null if nobody should be sent there. */
export function placeOf(address: string): Place | null {
  if (!URL.canParse(address)) return null;
  const { protocol, hostname, host, username, password } = new URL(address);
  if (username || password) return null;
  if (/^https?:$/.test(protocol) && THIS_COMPUTER.test(hostname)) return { kind: "computer" };
  if (protocol === "https:") return { kind: "site", host };
  if (NO_PROGRAM.test(protocol)) return null;
  return { kind: "device", scheme: protocol.slice(0, -1) };
}

/** Give the site that describes an app, if the app is known by the address of its description. */
export function describedAt(clientId: string): string | null {
  return URL.canParse(clientId) && new URL(clientId).protocol === "https:" ? new URL(clientId).host : null;
}

/** Whether an address is the one that the app registered, with an answer added to it. */
export function leadsTo(address: string, registered: string): boolean {
  if (!placeOf(address) || !URL.canParse(registered)) return false;
  const [given, wanted] = [new URL(address), new URL(registered)];
  return (["protocol", "host", "pathname"] as const).every((part) => given[part] === wanted[part]);
}

/** Whether an address is a page of ours. Those of blobs have our origin too, and are none. */
export function isOurs(address: string): boolean {
  if (!URL.canParse(address, location.href)) return false;
  const { origin, protocol } = new URL(address, location.href);
  return origin === location.origin && protocol === location.protocol;
}
