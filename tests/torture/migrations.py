"""The schema changes beside people at work, and they do not notice."""

import asyncio
from pathlib import Path

from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import migrate_only, new_database
from tests.isolation.copies import copy_source, run_on
from tests.torture.bench import Bench
from tests.torture.comparison import compare, compare_listed, differences
from tests.torture.faults import TWO_WORKERS
from tests.torture.figures import Figure, Results, at_most, exactly, none, shown
from tests.torture.load import writing
from tests.torture.old_release import WRITERS, eight_at_work, install_first_release
from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.migrations.runner import head_revision

_LONGEST_REQUEST_SECONDS = 0.5
_TODOS_EACH = 50
_READER_SECONDS = 3.0
# What releases do to a table with rows: a column, a rule, a value for what is there, an index.
_NEXT_REVISION = '''\
"""todos have a colour."""

from alembic import op

revision = "{revision}"
down_revision = "{previous}"

_FILL = """
DO $$
DECLARE
    person uuid;
BEGIN
    FOR person IN SELECT id FROM users LOOP
        UPDATE todos SET colour = 'grey' WHERE user_id = person AND colour IS NULL;
        COMMIT;
    END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE todos ADD COLUMN IF NOT EXISTS colour text")
    op.execute("ALTER TABLE todos DROP CONSTRAINT IF EXISTS ck_todos_colour")
    op.execute("ALTER TABLE todos ADD CONSTRAINT ck_todos_colour CHECK (char_length(colour) < 20) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute(_FILL)
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_todos_colour ON todos (user_id, colour)")
        op.execute("ALTER TABLE todos VALIDATE CONSTRAINT ck_todos_colour")
'''


async def migrations(bench: Bench) -> Results:
    """Eight people write while the schema changes: by every revision so far, and by that of a next release.

    The next release adds to a table with rows, beside the running product, and somebody who reads keeps a
    transaction open for 3 s in its way. Promised: nobody fails, nobody waits for more than 0.5 s, nothing is
    lost, and the running release stays ready.
    """
    return {
        "migrations: every revision so far": await _all_revisions(bench),
        "migrations: the next release": await _next_release(bench),
    }


async def _all_revisions(bench: Bench) -> list[Figure]:
    people = bench.times(20_000, 500)
    folder = bench.folder / "first-release"
    folder.mkdir()
    with EmbeddedPostgres(folder / "postgres").running() as server:
        async with new_database(server) as url:
            bench.tell(f"migrations: {people * _TODOS_EACH} todos at the oldest schema")
            await install_first_release(url, people=people, todos=_TODOS_EACH)
            async with eight_at_work(url) as writers:
                bench.tell("migrations: every revision so far")
                before = len(writers.durations)
                await migrate_only(url)
                await writers.have_done(WRITERS)
            requests = writers.durations[before:]
    return [
        shown("todos", people * _TODOS_EACH),
        # The first failure would have ended it all.
        shown("requests meanwhile, none of which failed", len(requests)),
        at_most("slowest request", max(requests), _LONGEST_REQUEST_SECONDS),
    ]


async def _next_release(bench: Bench) -> list[Figure]:
    with bench.product() as product:
        product.start(**TWO_WORKERS)
        todos = bench.times(1_000_000, 20_000)
        bench.tell(f"migrations: {todos} todos of others")
        await _fill(product.owner_url, todos)
        async with bench.people() as people:
            async with writing(product, people) as journal:
                await journal.until_written(bench.times(250, 60))
                bench.tell("migrations: the next release migrates")
                began = len(journal.answers)
                await _migrate_to_next_release(product, bench.folder / "next-release")
                await journal.until_written(bench.times(250, 60))
            stored, listed = await compare(journal, product.owner_url), await compare_listed(journal)
            ready = await journal.persons[0].client.get("/health/ready")
        async with connect(product.owner_url) as owner:
            without = await owner.fetchval("SELECT count(*) FROM todos WHERE colour IS NULL AND title = 'x'")
    answers = journal.answers[began:]
    return [
        shown("todos of others", todos),
        shown("requests meanwhile", len(answers)),
        none("requests that failed", sum(not answer.is_success for answer in answers)),
        none("connections cut or refused", journal.cut + journal.unanswered),
        *differences(stored, listed),
        at_most("slowest request", max(answer.seconds for answer in answers), _LONGEST_REQUEST_SECONDS),
        exactly("the running release is ready, afterwards", ready.status_code, 200),
        none("todos left without the new value", without),
    ]


async def _fill(owner_url: DatabaseUrl, todos: int) -> None:
    async with connect(owner_url) as owner:
        await owner.execute(
            "INSERT INTO users (id, change_seq, todo_count)"
            " SELECT gen_random_uuid(), $1, $1 FROM generate_series(1, $2)",
            _TODOS_EACH,
            todos // _TODOS_EACH,
        )
        await owner.execute(
            "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
            " SELECT users.id, gen_random_uuid(), 'x', now(), now(), 1, n"
            " FROM users, generate_series(1, $1) AS n",
            _TODOS_EACH,
        )


async def _migrate_to_next_release(product: Product, folder: Path) -> None:
    """Run the next release's `todo migrate`, with somebody in its way for a while."""
    revision = f"{int(head_revision()) + 1:04}"
    copy_source(folder, [])
    file = folder / "todo/migrations/versions/next.py"
    file.write_text(_NEXT_REVISION.format(revision=revision, previous=head_revision()), encoding="utf-8")
    async with connect(product.owner_url) as reader:
        await reader.execute("BEGIN; SELECT FROM todos LIMIT 1")
        migrating = asyncio.create_task(
            asyncio.to_thread(run_on, folder, "todo", "migrate", TODO_DATA_DIR=str(product.data_dir))
        )
        await until(lambda: _is_waited_for(product.owner_url), "it has met the reader", seconds=60)
        await asyncio.sleep(_READER_SECONDS)
        await reader.execute("COMMIT")
    finished = await migrating
    assert finished.returncode == 0, finished.stdout
    assert f"The schema is at {revision}." in finished.stdout
    assert "waits for others" in finished.stdout


async def _is_waited_for(owner_url: DatabaseUrl) -> bool:
    async with connect(owner_url) as owner:
        return bool(
            await owner.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation')"
            )
        )
