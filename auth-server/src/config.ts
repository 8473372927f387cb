import pg from "pg";

export interface Config {
  origin: string;
  audience: string;
  secret: string;
  socket: string;
  appRole: string;
  signUpClosed: boolean;
  database: pg.PoolConfig;
}

/** A setting the operator has to correct: starting again changes nothing. */
export class Misconfigured extends Error {}

export function readConfig(env: NodeJS.ProcessEnv): Config {
  const required = (name: string): string => {
    const value = env[name];
    if (!value) throw new Misconfigured(`${name} is not set.`);
    return value;
  };

  const origin = required("TODO_ORIGIN");
  // The issuer is compared as a string: another spelling of the same origin would be another issuer.
  if (!/^https?:/.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new Misconfigured("TODO_ORIGIN must be a bare origin such as http://localhost:8000.");
  }
  const secret = required("TODO_AUTH_SECRET");
  if (secret.length < 32) throw new Misconfigured("TODO_AUTH_SECRET must have at least 32 characters.");
  const signUp = env.TODO_SIGN_UP || "open";
  if (signUp !== "open" && signUp !== "closed") throw new Misconfigured('TODO_SIGN_UP must be "open" or "closed".');

  return {
    origin,
    audience: env.TODO_AUTH_AUDIENCE || `${origin}/api`,
    secret,
    socket: required("TODO_AUTH_SOCKET"),
    appRole: required("TODO_APP_ROLE"),
    signUpClosed: signUp === "closed",
    database: readDatabaseUrl(required("TODO_AUTH_DATABASE_URL")),
  };
}

function readDatabaseUrl(url: string): pg.PoolConfig {
  if (!/^postgres(ql)?:\/\//.test(url)) throw new Misconfigured("TODO_AUTH_DATABASE_URL must start with postgresql://.");
  const connectionString = inLibpqTerms(url);
  try {
    new pg.Client({ connectionString });
  } catch (error) {
    // The parser's messages name a missing certificate file, but may also quote the URL with its password.
    const detail = error instanceof Error && !(error instanceof TypeError) ? ` (${error.message.split(". ")[0]})` : "";
    throw new Misconfigured(`TODO_AUTH_DATABASE_URL cannot be used${detail}.`);
  }
  return { connectionString };
}

/** node-pg gives sslmode other meanings than libpq, and warns about it; one URL has to mean one thing. */
function inLibpqTerms(url: string): string {
  const [address, query = ""] = url.split(/\?(.*)/s) as [string, string?];
  const parameters = new URLSearchParams(query);
  let sslmode = parameters.get("sslmode");

  // node-pg can encrypt or not, but not fall back from one to the other.
  if (sslmode === "allow" || sslmode === "prefer") sslmode = "disable";
  // It cannot insist on channel binding either; a verified certificate keeps out the same impostor.
  if (sslmode === "require" && parameters.get("channel_binding") === "require") sslmode = "verify-full";
  if (parameters.get("sslrootcert") === "system") {
    parameters.delete("sslrootcert");
    sslmode = "verify-full";
  }
  // A unix socket is never encrypted, whatever the URL asks for.
  if (parameters.get("host")?.startsWith("/") || /@%2f/i.test(address)) sslmode = null;

  if (sslmode) parameters.set("sslmode", sslmode);
  else parameters.delete("sslmode");
  parameters.set("uselibpqcompat", "true");
  return `${address}?${parameters}`;
}
