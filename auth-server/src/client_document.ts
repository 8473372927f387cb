import { lookup } from "node:dns/promises";
import { request } from "node:https";
import { Readable } from "node:stream";
import { isPublicRoutableHost } from "@better-auth/core/utils/host";
import type { ClientMetadataResourceFetch } from "@better-auth/oauth-provider";

const WITHOUT_BODY = [204, 205, 304];

/**
 * Fetches the document that an app has published about itself: over HTTPS, from public addresses alone, and from those
 * that were looked at. A redirect is for the caller to refuse.
 *
 * The plugin's own fetch answers Node's look-up with one address where Node, since it tries several, wants a list: it
 * fails always.
 */
export const fetchClientDocument: ClientMetadataResourceFetch = async (input, init) => {
  const { url, headers, signal } = new Request(input, init);
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:") throw new TypeError("a document about an app is fetched over HTTPS");
  const addresses = await lookup(hostname, { all: true });
  if (addresses.length === 0 || !addresses.every(({ address }) => isPublicRoutableHost(address)))
    throw new TypeError("a document about an app is fetched from public addresses alone");
  return new Promise((resolve, reject) => {
    const options = {
      agent: false,
      autoSelectFamily: true,
      headers: Object.fromEntries(headers),
      lookup: (_host: string, _options: object, done: (error: null, all: typeof addresses) => void) =>
        done(null, addresses),
      signal,
    } as const;
    request(url, options, (response) => {
      const status = response.statusCode ?? 500;
      const body = WITHOUT_BODY.includes(status) ? null : (Readable.toWeb(response) as ReadableStream);
      resolve(new Response(body, { status, headers: response.headers as Record<string, string> }));
    })
      .on("error", reject)
      .end();
  });
};
