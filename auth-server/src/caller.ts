import { type Kysely, sql } from "kysely";
import { SCHEMA } from "./auth.ts";

const ID = "nullif(current_setting('app.user_id', true), '')::uuid";

/**
 * What the API may see and undo of an account: of the person its transaction is for, and of nobody else. The
 * functions act with the rights of this schema's owner, so the API needs none on the tables.
 */
const FUNCTIONS = `
  create or replace function ${SCHEMA}.profile_of_caller()
    returns table (name text, email text, created_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
      select name, email, "createdAt" from ${SCHEMA}."user" where id = ${ID}
    $$;

  create or replace function ${SCHEMA}.forget_caller() returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
      -- No foreign key leads from there to the person: they are named by id, or by address as in "sign-in-otp-me@…".
      delete from ${SCHEMA}.verification using ${SCHEMA}."user" as person
       where person.id = ${ID}
         and (strpos(identifier || ' ' || value, person.id::text) > 0
              or person.email in (lower(value), regexp_replace(lower(identifier), '^[a-z-]+?-otp-', ''))
              or strpos(lower(value), '"' || person.email || '"') > 0);
      -- Sessions, passwords and whatever else is theirs go with the row, by foreign keys.
      delete from ${SCHEMA}."user" where id = ${ID};
    $$;

  revoke all on function ${SCHEMA}.profile_of_caller(), ${SCHEMA}.forget_caller() from public;
`;

export async function createCallerFunctions(db: Kysely<unknown>, appRole: string): Promise<void> {
  await sql.raw(FUNCTIONS).execute(db);
  for (const name of ["profile_of_caller", "forget_caller"]) {
    await sql`grant execute on function ${sql.id(SCHEMA, name)}() to ${sql.id(appRole)}`.execute(db);
  }
}
