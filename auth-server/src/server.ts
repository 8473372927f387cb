import { lstatSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import pg from "pg";
import { createAuth } from "./auth.ts";
import { Misconfigured, readConfig } from "./config.ts";
import { createKysely, createPool } from "./database.ts";
import { createHandler } from "./http.ts";
import { captureConsole, errorCode, log, reason } from "./log.ts";
import { migrate } from "./migrate.ts";

const EXIT_MISCONFIGURED = 2;
const EXIT_NO_DATABASE = 3;
const LONGEST_STOP = 5_000;

let stopping = false;

captureConsole();
// When the parent is gone nobody reads the log; that must not cut short the requests in flight.
process.stderr.on("error", () => {});
process.on("uncaughtException", (error) => fail(1, reason(error)));

const config = orExit(() => readConfig(process.env));
const pool = createPool(config.database);
const server = createServer();
// Longer than the proxy keeps an idle connection: it never sends a request into one that is just being closed.
server.keepAliveTimeout = 75_000;
process.on("SIGTERM", stop);
// Ctrl-C reaches the whole process group; when to stop is the parent's decision.
process.on("SIGINT", () => {});
// The parent holds the other end of stdin: it closes even when the parent is killed.
process.stdin.on("end", stop).on("error", stop).resume();

const db = createKysely(pool);
await migrate(config, db).catch(failForDatabase);
const auth = createAuth(config, db);
await auth.api.signJWT({ body: { payload: {} } }).catch((error: unknown) => {
  if (!errorCode(error) && /decrypt/i.test(reason(error))) {
    fail(EXIT_MISCONFIGURED, "TODO_AUTH_SECRET is not the one the signing keys in the database were stored with.");
  }
  failForDatabase(error);
});

server.on("request", createHandler(auth.handler, config.origin));
server.on("error", (error) => fail(EXIT_MISCONFIGURED, `TODO_AUTH_SOCKET cannot be listened on (${errorCode(error)}).`));
orExit(() => removeStaleSocket(config.socket));
process.umask(0o177);
server.listen(config.socket, () => process.stdout.write('{"event":"ready"}\n'));

function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSocket()) throw new Misconfigured("TODO_AUTH_SOCKET names a file that is not a socket.");
  rmSync(path, { force: true });
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  // Still starting: the unfinished migration is rolled back with its connection.
  if (!server.listening) process.exit(0);
  setTimeout(() => process.exit(0), LONGEST_STOP);
  server.close(async () => {
    await pool.end();
    process.exit(0);
  });
}

function orExit<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof Misconfigured) fail(EXIT_MISCONFIGURED, error.message);
    throw error;
  }
}

/** Refused credentials, a missing database, role or privilege do not mend by themselves; everything else may. */
function failForDatabase(error: unknown): never {
  const mistaken = /^(28|3D|42)/.test(errorCode(error));
  const detail = error instanceof pg.DatabaseError ? error.message : errorCode(error) || reason(error);
  if (mistaken) fail(EXIT_MISCONFIGURED, `the database refuses TODO_AUTH_DATABASE_URL or TODO_APP_ROLE: ${detail}.`);
  fail(EXIT_NO_DATABASE, `the database cannot be reached: ${detail}.`);
}

function fail(status: number, sentence: string): never {
  log("error", sentence);
  process.exit(status);
}
