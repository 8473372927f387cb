import { cimd } from "@better-auth/cimd";
import { mcp } from "@better-auth/mcp";
import type { BetterAuthPlugin } from "better-auth";
import { APIError, createAuthEndpoint, createAuthMiddleware, sessionMiddleware } from "better-auth/api";
import { fetchClientDocument } from "./client_document.ts";
import type { Config } from "./config.ts";

const MINUTE = 60;
const NATIVE_SCHEMES = /^(?!https?:)[a-z][a-z0-9+.-]*:/i;

/** OAuth 2.1 for agents: tokens for `/mcp`, which the REST API refuses, as `/mcp` refuses those of the API. */
export function oauthPlugins(config: Config) {
  return [
    mcp({
      loginPage: "/login",
      consentPage: "/consent",
      resource: `${config.origin}/mcp`,
      accessTokenExpiresIn: 10 * MINUTE,
      scopes: ["openid", "profile", "email", "offline_access", "todo:read", "todo:write"],
      // Deprecated by the protocol, and all that the clients of last year can do.
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
      grantTypes: ["authorization_code", "refresh_token"],
      // The pages learn by it who asks, and whether the question is ours, before anybody has signed in.
      allowPublicClientPrelogin: true,
      // Left out, anybody who is signed in may manage clients and resources of everybody.
      clientPrivileges: () => false,
      resourcePrivileges: () => false,
    }),
    cimd({ fetchClientMetadataResource: fetchClientDocument, metadataProfile: "mcp-2026-07-28" }),
    nativeClients(),
    stayingConnected(),
    connectedApps(),
    disconnection(),
  ] satisfies BetterAuthPlugin[];
}

/** Clients older than the parameter say nothing, which would count as a web application with no loopback address. */
function nativeClients(): BetterAuthPlugin {
  return {
    id: "todo-native-clients",
    hooks: {
      before: [
        {
          matcher: ({ path }) => path === "/oauth2/register",
          handler: createAuthMiddleware(async ({ body }) => {
            const addresses: unknown = body?.redirect_uris;
            if (body.application_type || !Array.isArray(addresses) || addresses.length === 0) return;
            if (addresses.every(isOnSameMachine)) return { context: { body: { ...body, application_type: "native" } } };
          }),
        },
      ],
    },
  };
}

function isOnSameMachine(address: unknown): boolean {
  if (typeof address !== "string" || !URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return NATIVE_SCHEMES.test(address) || (protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
}

interface Consent {
  id: string;
  clientId: string;
  scopes: string[];
  createdAt: Date;
}

interface Client {
  clientId: string;
  name?: string;
  redirectUris: string[];
}

/** What a person has connected, and where each app lives: a name alone says nothing, for apps choose theirs. */
function connectedApps() {
  return {
    id: "todo-connected-apps",
    endpoints: {
      listConnectedApps: createAuthEndpoint(
        "/connected-apps",
        { method: "GET", use: [sessionMiddleware] },
        async ({ context, json }) => {
          const consents = await context.adapter.findMany<Consent>({
            model: "oauthConsent",
            where: [{ field: "userId", value: context.session.user.id }],
            sortBy: { field: "createdAt", direction: "desc" },
          });
          if (consents.length === 0) return json([]);
          // As they were when they were last asked for: a list waits for no other server.
          const clients = await context.adapter.findMany<Client>({
            model: "oauthClient",
            where: [{ field: "clientId", operator: "in", value: consents.map(({ clientId }) => clientId) }],
          });
          const clientOf = new Map(clients.map((client) => [client.clientId, client]));
          return json(
            consents.map(({ id, clientId, scopes, createdAt }) => ({
              id,
              client_id: clientId,
              client_name: clientOf.get(clientId)?.name ?? null,
              redirect_uris: clientOf.get(clientId)?.redirectUris ?? [],
              scopes,
              connected_at: createdAt,
            })),
          );
        },
      ),
    },
  } satisfies BetterAuthPlugin;
}

/**
 * Clients older than the rule that they ask for `offline_access` say only that they can renew a token. Taken at their
 * word they would have none to renew it with, and send their person to the browser every ten minutes.
 */
function stayingConnected(): BetterAuthPlugin {
  const withIt = (scope: string) => `${scope} offline_access`;
  const lacksIt = (scope: unknown): scope is string =>
    typeof scope === "string" && scope !== "" && !scope.split(" ").includes("offline_access");
  return {
    id: "todo-staying-connected",
    hooks: {
      before: [
        {
          matcher: ({ path }) => path === "/oauth2/register",
          handler: createAuthMiddleware(async ({ body }) => {
            if (!lacksIt(body?.scope) || !Array.isArray(body.grant_types)) return;
            if (!body.grant_types.includes("refresh_token")) return;
            return { context: { body: { ...body, scope: withIt(body.scope) } } };
          }),
        },
        {
          matcher: ({ path, method }) => path === "/oauth2/authorize" && method === "GET",
          handler: createAuthMiddleware(async ({ query, context }) => {
            if (!lacksIt(query?.scope) || typeof query.client_id !== "string") return;
            const client = await context.adapter.findOne<{ grantTypes?: string[]; scopes?: string[] }>({
              model: "oauthClient",
              where: [{ field: "clientId", value: query.client_id }],
            });
            if (!client?.grantTypes?.includes("refresh_token")) return;
            if (client.scopes && !client.scopes.includes("offline_access")) return;
            return { context: { query: { ...query, scope: withIt(query.scope) } } };
          }),
        },
      ],
    },
  };
}

/** Withdrawn consent ends the refresh tokens too; Better Auth alone would leave the app connected for weeks. */
function disconnection(): BetterAuthPlugin {
  return {
    id: "todo-disconnection",
    hooks: {
      after: [
        {
          matcher: ({ path }) => path === "/oauth2/delete-consent",
          handler: createAuthMiddleware(async ({ context }) => {
            if (!context.session || context.returned instanceof APIError) return;
            const theirs = { field: "userId", value: context.session.user.id };
            const connected = await context.adapter.findMany<{ clientId: string }>({
              model: "oauthConsent",
              where: [theirs],
            });
            const value = connected.map(({ clientId }) => clientId);
            await context.adapter.deleteMany({
              model: "oauthRefreshToken",
              where: value.length > 0 ? [theirs, { field: "clientId", operator: "not_in", value }] : [theirs],
            });
          }),
        },
      ],
    },
  };
}
