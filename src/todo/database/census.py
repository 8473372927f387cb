"""What a database holds, said so that two of them can be compared."""

from pydantic import BaseModel, ConfigDict

from todo.database.engine import Connection

# Ours, and the auth server's.
SCHEMAS = ("public", "auth")

# Whatever shapes the text of a row, or would hide rows from whoever counts them.
_SETTINGS = """
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL search_path = 'pg_catalog';
SET LOCAL row_security = off;
SET LOCAL statement_timeout = 0
"""
# Tables of extensions come with their extension.
_TABLES = """
SELECT nspname AS namespace, relname AS name, relrowsecurity AS is_protected,
       format('%I.%I', nspname, relname) AS full_name,
       ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0
                AND NOT attisdropped AND attgenerated = '' ORDER BY attnum) AS columns,
       ARRAY(SELECT concat_ws(' ', policyname, permissive, cmd, roles, 'USING', qual, 'CHECK', with_check)
               FROM pg_policies WHERE schemaname = nspname AND tablename = relname ORDER BY 1) AS policies
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = ANY ($1) AND relkind = 'r' AND NOT EXISTS (
           SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
 ORDER BY 1, 2
"""
# A sum, so that the order of rows does not matter. Generated columns are left out: they follow from the
# others, and which letters lower() knows differs between servers.
_ROWS = """
SELECT count(*) AS rows, COALESCE(sum(('x' || left(hash, 16))::bit(64)::bigint), 0)::text AS digest
  FROM ONLY {table}, encode(sha256(convert_to(ROW({columns})::text, 'UTF8')), 'hex') AS hash
"""


class TableFacts(BaseModel):
    """One table: what is in it, and who is kept from seeing it."""

    model_config = ConfigDict(frozen=True)

    namespace: str
    name: str
    columns: tuple[str, ...]
    rows: int
    digest: str
    is_protected: bool
    policies: tuple[str, ...]


Census = dict[str, TableFacts]


async def take_census(connection: Connection) -> Census:
    """Give the facts of every table, as the open transaction sees them.

    A role that does not see every row gets an error of the server, not a smaller number.
    """
    await connection.execute(_SETTINGS)
    census: Census = {}
    for table in await connection.fetch(_TABLES, SCHEMAS):
        columns = ", ".join('"' + column.replace('"', '""') + '"' for column in table["columns"])
        rows = await connection.fetchrow(_ROWS.format(table=table["full_name"], columns=columns))
        facts = {**table, **(rows or {})}
        census[facts.pop("full_name")] = TableFacts.model_validate(facts)
    return census
