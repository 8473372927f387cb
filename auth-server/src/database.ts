import { AsyncLocalStorage } from "node:async_hooks";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { errorCode, log, reason } from "./log.ts";

const requests = new AsyncLocalStorage<{ outage?: unknown }>();

export function createPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    application_name: "todo-auth",
    max: 8,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  });
  // A connection may break while idle in the pool and while a request holds it; unheard, either ends the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", (error) => log("warn", `database connection lost: ${reason(error)}`));
  });
  return pool;
}

export function createKysely(pool: pg.Pool): Kysely<unknown> {
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      note(error);
      throw error;
    });
  return new Kysely({
    dialect: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: pool.options } }),
    log: (event) => {
      if (event.level === "error") note(event.error);
    },
  });
}

/**
 * Better Auth swallows some database errors: without its session it answers 401, and a sign-out that deleted
 * nothing succeeds. Whoever is told 401 signs out, so an outage has to come out as one.
 */
export async function orOutage<T>(work: () => Promise<T>): Promise<T> {
  const request: { outage?: unknown } = {};
  const result = await requests.run(request, work).catch((error: unknown) => {
    throw request.outage ?? error;
  });
  if (request.outage) throw request.outage;
  return result;
}

export function isOutage(error: unknown): boolean {
  const code = errorCode(error);
  // 25006: the primary takes no writes for now.
  if (code) return /^(08|53|57P|25006|E[A-Z])/.test(code);
  // node-pg's own errors about a lost connection carry no code.
  return error instanceof Error && /timeout|terminated|not queryable/i.test(error.message);
}

/** What PostgreSQL calls bad data (NUL characters, no UUID, too long for an index) came with the request. */
export function isBadData(error: unknown): boolean {
  return /^(22|54)/.test(errorCode(error));
}

function note(error: unknown): void {
  const request = requests.getStore();
  if (request && isOutage(error)) request.outage = error;
}
