import { getMigrations } from "better-auth/db/migration";
import { type Kysely, sql } from "kysely";
import { authOptions, SCHEMA } from "./auth.ts";
import { createCallerFunctions } from "./caller.ts";
import type { Config } from "./config.ts";

// PostgreSQL checks the privilege before it looks whether the schema exists.
const CREATE_SCHEMA = `create schema if not exists "${SCHEMA}";`;

/** One transaction under one lock: two servers starting at once migrate once, and a failed start leaves nothing behind. */
export async function migrate(config: Config, db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    // Held by the transaction, not by the connection: this also works behind a pooler.
    await sql`select pg_advisory_xact_lock(hashtextextended('todo auth migration', 0))`.execute(transaction);
    await createSchema(transaction);
    const { compileMigrations } = await getMigrations(authOptions(config, transaction));
    const statements = (await compileMigrations()).replace(CREATE_SCHEMA, "");
    await sql.raw(statements).execute(transaction);

    const session = sql.table(`${SCHEMA}.session`);
    const appRole = sql.id(config.appRole);
    await sql`grant usage on schema ${sql.id(SCHEMA)} to ${appRole}`.execute(transaction);
    await sql`grant select (id, "expiresAt") on ${session} to ${appRole}`.execute(transaction);
    const consent = sql.table(`${SCHEMA}.oauthConsent`);
    await sql`grant select ("userId", "clientId", scopes) on ${consent} to ${appRole}`.execute(transaction);
    // A change says which app made it: by the name that people know.
    const client = sql.table(`${SCHEMA}.oauthClient`);
    await sql`grant select ("clientId", name) on ${client} to ${appRole}`.execute(transaction);
    await createCallerFunctions(transaction, config.appRole);
  });
}

async function createSchema(transaction: Kysely<unknown>): Promise<void> {
  const found = await sql`select from pg_namespace where nspname = ${SCHEMA}`.execute(transaction);
  if (found.rows.length === 0) await sql`create schema ${sql.id(SCHEMA)}`.execute(transaction);
}
