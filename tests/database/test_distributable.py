"""The schema can be spread over machines by person, as Citus does it; a lint of the catalogue keeps it so."""

from collections.abc import AsyncIterator

import pytest

from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP
from todo.database.url import DatabaseUrl

# What an index may lead with instead: the id of a todo, with the person after it.
NOT_LED_BY_A_PERSON = {"ix_todo_changes_todo_id_user_id_seq", "pk_todos"}

# Each is something that `create_distributed_table` refuses, or that would come between machines.
COMPLAINTS = """
WITH tables AS (
    SELECT pg_class.oid, relname AS name, attnum AS key, atttypid, attnotnull,
           relrowsecurity, relforcerowsecurity
      FROM pg_class
      LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
           AND attname = CASE relname WHEN 'users' THEN 'id' ELSE 'user_id' END
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
), indexes AS (
    SELECT tables.*, index.relname AS index_name, indisunique, indisprimary, indkey[0] = key AS leads,
           key = ANY (indkey) AS holds
      FROM tables JOIN pg_index ON indrelid = tables.oid JOIN pg_class AS index ON index.oid = indexrelid
)
SELECT name || ' does not say whose its rows are' FROM tables WHERE key IS NULL
UNION ALL
SELECT name || ' names people in another type' FROM tables WHERE atttypid <> 'uuid'::regtype
UNION ALL
SELECT name || ' has rows of nobody' FROM tables WHERE NOT attnotnull
UNION ALL
SELECT name || ' has no primary key' FROM tables
 WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = tables.oid AND indisprimary)
UNION ALL
SELECT name || ' is not protected, or from its owner too' FROM tables
 WHERE NOT relrowsecurity OR relforcerowsecurity
    OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = tables.oid)
UNION ALL
SELECT index_name || ' is unique beyond one person' FROM indexes WHERE indisunique AND holds IS NOT TRUE
UNION ALL
SELECT index_name || ' is not led by a person' FROM indexes
 WHERE leads IS NOT TRUE AND (holds OR NOT indisunique) AND index_name <> ALL ($1)
UNION ALL
SELECT conname || ' leads from one person to another' FROM pg_constraint
  JOIN tables ON tables.oid = conrelid LEFT JOIN tables AS referred ON referred.oid = confrelid
 WHERE contype = 'f' AND (conkey[1], confkey[1]) IS DISTINCT FROM (tables.key, referred.key)
UNION ALL
SELECT conname || ' excludes beyond one person' FROM pg_constraint WHERE contype = 'x'
   AND connamespace = 'public'::regnamespace
UNION ALL
SELECT relname || ' counts for everybody' FROM pg_class
 WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT tgname || ' is a trigger, which shards do not have' FROM pg_trigger JOIN tables ON tables.oid = tgrelid
 WHERE NOT tgisinternal
UNION ALL
SELECT proname || ' is a function in SQL, whose parameters are not planned' FROM pg_proc
  JOIN pg_language ON pg_language.oid = prolang
 WHERE pronamespace = 'public'::regnamespace AND lanname = 'sql' AND pronargs > 0
UNION ALL
SELECT relname || ' belongs to who serves requests' FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relowner IN (
           SELECT oid FROM pg_roles WHERE rolname = $2 OR rolname LIKE $2 || '\\_%'
       )
"""


async def complaints(owner: Connection) -> list[str]:
    return [row[0] for row in await owner.fetch(COMPLAINTS, sorted(NOT_LED_BY_A_PERSON), APP_GROUP)]


@pytest.fixture
async def owner(owner_url: DatabaseUrl) -> AsyncIterator[Connection]:
    """The owner of the tables, in a transaction that leaves nothing behind."""
    async with connect(owner_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def test_the_schema_can_be_distributed_by_person(owner: Connection) -> None:
    assert await complaints(owner) == []


async def test_the_indexes_that_no_person_leads_have_the_person_second(owner: Connection) -> None:
    rows = await owner.fetch(
        "SELECT indexrelid::regclass::text AS name, attname FROM pg_index"
        " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[1]"
        " WHERE indexrelid::regclass::text = ANY ($1) ORDER BY 1",
        sorted(NOT_LED_BY_A_PERSON),
    )

    assert [tuple(row) for row in rows] == [(name, "user_id") for name in sorted(NOT_LED_BY_A_PERSON)]


@pytest.mark.parametrize(
    ("planted", "complaint"),
    [
        ("CREATE TABLE labels (id uuid PRIMARY KEY)", "labels does not say whose its rows are"),
        ("ALTER TABLE users ADD COLUMN mail text UNIQUE", "users_mail_key is unique beyond one person"),
        (
            "ALTER TABLE todos DROP CONSTRAINT pk_todos, ADD CONSTRAINT pk_todos PRIMARY KEY (id)",
            "pk_todos is unique beyond one person",
        ),
        ("ALTER TABLE todo_changes DROP CONSTRAINT pk_todo_changes", "todo_changes has no primary key"),
        ("CREATE INDEX ix_late ON todos (created_at)", "ix_late is not led by a person"),
        ("CREATE UNIQUE INDEX ix_late ON todos (created_at, user_id)", "ix_late is not led by a person"),
        ("CREATE INDEX ix_lower ON todos (lower(title))", "ix_lower is not led by a person"),
        (
            "CREATE TABLE labels (user_id text NOT NULL, id uuid, PRIMARY KEY (user_id, id))",
            "labels names people in another type",
        ),
        (
            "CREATE TABLE labels (user_id uuid, id uuid NOT NULL);CREATE INDEX ix_labels ON labels (user_id)",
            "labels has rows of nobody",
        ),
        (
            (
                "ALTER TABLE todos ADD COLUMN parent uuid, ADD CONSTRAINT parent"
                " FOREIGN KEY (parent, user_id) REFERENCES todos (user_id, id)"
            ),
            "parent leads from one person to another",
        ),
        ("ALTER TABLE todos ADD COLUMN number serial", "todos_number_seq counts for everybody"),
        (
            "ALTER TABLE todos ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
            "todos_number_seq counts for everybody",
        ),
        ("ALTER TABLE todos DISABLE ROW LEVEL SECURITY", "todos is not protected, or from its owner too"),
        ("ALTER TABLE todos FORCE ROW LEVEL SECURITY", "todos is not protected, or from its owner too"),
        ("DROP POLICY owner_only ON users", "users is not protected, or from its owner too"),
        (
            (
                "CREATE TRIGGER touched BEFORE UPDATE ON todos FOR EACH ROW"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            ),
            "touched is a trigger, which shards do not have",
        ),
        (
            (
                "CREATE FUNCTION name_of(wanted uuid) RETURNS text LANGUAGE sql"
                " AS 'SELECT title FROM todos WHERE id = wanted'"
            ),
            "name_of is a function in SQL, whose parameters are not planned",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO todo_app; ALTER TABLE api_keys OWNER TO todo_app",
            "api_keys belongs to who serves requests",
        ),
    ],
)
async def test_what_could_not_be_distributed_is_named(
    owner: Connection, planted: str, complaint: str
) -> None:
    await owner.execute(planted)

    assert complaint in await complaints(owner)
