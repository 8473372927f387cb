import { passkey } from "@better-auth/passkey";
import { betterAuth, type BetterAuthOptions } from "better-auth";
import { APIError } from "better-auth/api";
import { bearer, jwt, twoFactor } from "better-auth/plugins";
import type { Kysely } from "kysely";
import type { Config } from "./config.ts";
import { log } from "./log.ts";
import { oauthPlugins } from "./oauth.ts";

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;
const LONGEST = { name: 200, email: 254, image: 2048 };

const PRODUCT = "Todo Evolution";

export const SCHEMA = "auth";

export function authOptions(config: Config, db: Kysely<unknown>) {
  return {
    appName: PRODUCT,
    baseURL: config.origin,
    basePath: "/api/auth",
    secret: config.secret,
    trustedOrigins: [config.origin, ...sameMachine(config.origin)],
    telemetry: { enabled: false },
    database: { db: db as Kysely<any>, type: "postgres", schemaName: SCHEMA, transaction: true },
    emailAndPassword: {
      enabled: true,
      disableSignUp: config.signUpClosed,
      minPasswordLength: 10,
      maxPasswordLength: 128,
      revokeSessionsOnPasswordReset: true,
    },
    // With the cookie cache a revoked session could still mint tokens until the cache ran out.
    session: { expiresIn: 7 * DAY, updateAge: DAY, cookieCache: { enabled: false } },
    rateLimit: {
      enabled: true,
      storage: "database",
      // Every client renews its token there, and the API reads the keys: one address may stand for many people.
      customRules: { "/jwks": false, "/token": false },
    },
    databaseHooks: { user: { create: { before: refuseUnstorable }, update: { before: refuseUnstorable } } },
    advanced: {
      cookiePrefix: "todo",
      useSecureCookies: config.origin.startsWith("https://"),
      ipAddress: { ipAddressHeaders: ["x-client-ip"] },
      // "Sign out everywhere" works on one page of sessions: the default of 100 would leave the rest alive.
      database: { generateId: "uuid", defaultFindManyLimit: 10_000 },
    },
    logger: { level: "warn", log: (level, message) => log(level, message) },
    // API errors are answered as ever; everything else reaches the server, which answers without printing it.
    // What cannot be sent back to an app, because nobody knows which, is said on our page.
    onAPIError: { throw: true, errorURL: `${config.origin}/consent` },
    plugins: [
      bearer(),
      jwt({
        disableSettingJwtHeader: true,
        jwks: {
          keyPairConfig: { alg: "EdDSA", crv: "Ed25519" },
          rotationInterval: 30 * DAY,
          gracePeriod: DAY,
        },
        jwt: {
          issuer: config.origin,
          audience: config.audience,
          expirationTime: "10m",
          // The default payload is the whole user, e-mail address included.
          definePayload: ({ session }) => ({
            sid: session.id,
            scope: "todo:read todo:write",
            // When the person signed in; using the session, which prolongs it, is no sign-in.
            auth_time: Math.floor(session.createdAt.getTime() / 1000),
          }),
        },
      }),
      // Before what answers apps: a sign-in that lacks its second factor is none.
      twoFactor({ issuer: PRODUCT }),
      // Browsers know no passkeys of an address in numbers, so `127.0.0.1` is not among the origins.
      passkey({ rpName: PRODUCT, rpID: new URL(config.origin).hostname, origin: config.origin }),
      ...oauthPlugins(config),
    ],
  } satisfies BetterAuthOptions;
}

export function createAuth(config: Config, db: Kysely<unknown>) {
  return betterAuth(authOptions(config, db));
}

/** `localhost` has a second name that people type; both lead to this very server. */
function sameMachine(origin: string): string[] {
  const { protocol, hostname } = new URL(origin);
  return protocol === "http:" && hostname === "localhost" ? [origin.replace("localhost", "127.0.0.1")] : [];
}

async function refuseUnstorable(user: Record<string, unknown>): Promise<void> {
  for (const [field, longest] of Object.entries(LONGEST)) {
    const value = user[field];
    if (typeof value !== "string") continue;
    if (value.length > longest) throw refusal(field, "TOO_LONG", `may have at most ${longest} characters`);
    if (value.includes("\0")) throw refusal(field, "INVALID", "may not hold NUL characters");
  }
}

function refusal(field: string, problem: string, explanation: string): APIError {
  return new APIError("UNPROCESSABLE_ENTITY", {
    code: `${field.toUpperCase()}_${problem}`,
    message: `${field} ${explanation}`,
  });
}
