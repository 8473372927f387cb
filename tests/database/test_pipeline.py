"""Many questions are on their way at a time; each gets its own answer, and none is told of another's fate."""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
import uvloop

from tests.e2e.waiting import until
from tests.factories import SECRET
from todo.database.engine import connect, open_reads
from todo.database.pipeline import Pipeline
from todo.database.pipelines import Pipelines
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl
from todo.database.wire import ConnectionLost

Dial = Callable[..., Awaitable[Pipeline]]
BACKEND = "SELECT pg_backend_pid() AS pid"
NAP = "SELECT pg_backend_pid() AS pid FROM pg_sleep(0.01)"
NAPPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename LIKE 'todo_app%'"
END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE usename LIKE 'todo_app%' AND datname = current_database()"
)


@pytest.fixture
def dial(owner_url: DatabaseUrl) -> Dial:
    url = login_of(APP_GROUP, owner_url, SECRET).for_libpq()

    async def dialled(**options: float) -> Pipeline:
        return Pipeline(await psycopg.AsyncConnection.connect(url, autocommit=True), **options)

    return dialled


@pytest.fixture
async def pipeline(dial: Dial) -> AsyncIterator[Pipeline]:
    opened = await dial()
    yield opened
    opened.close()


@asynccontextmanager
async def relay(server: str, path: Path) -> AsyncIterator[None]:
    """Pass on to a socket what is said at a path."""

    async def pass_on(here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_unix_connection(server)
        await asyncio.gather(copy(here, writer), copy(reader, back))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1_000_000):
            writer.write(piece)
        writer.close()

    async with await asyncio.start_unix_server(pass_on, path):
        yield


def unread_bytes(descriptor: int) -> int:
    """Give how much has been sent that the other side has not taken yet."""
    return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0])


async def value(pipeline: Pipeline, sql: str, *values: Any) -> Any:
    """Ask for one value, named `v`."""
    row = await pipeline.ask(sql, values)
    return None if row is None else row["v"]


async def is_usable(pipeline: Pipeline) -> bool:
    return bool(await value(pipeline, "SELECT true AS v"))


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text", ""),
        ("text", "naïve \\ 'quotes' \n 牛乳 😀"),
        ("text", None),
        ("bool", True),
        ("bool", False),
        ("smallint", -32_768),
        ("integer", -1),
        ("bigint", 2**63 - 1),
        ("bytea", b""),
        ("bytea", b"\x00\xff'\\"),
        ("uuid", UUID("01890a5d-ac96-774b-bcce-b302099a8057")),
        ("timestamptz", datetime(2026, 11, 27, 6, 56, 2, 123_456, UTC)),
        ("timestamptz", datetime(1969, 7, 20, 20, 17, 40, 1, UTC)),
    ],
)
async def test_a_value_comes_back_as_it_was_sent(pipeline: Pipeline, kind: str, sent: Any) -> None:
    assert await value(pipeline, f"SELECT $1::{kind} AS v", sent) == sent


async def test_a_list_is_sent_item_by_item(pipeline: Pipeline) -> None:
    items = ["low", "", 'a "b" c', "back\\slash", "comma, {brace}", "NULL"]

    for place, item in enumerate(items, start=1):
        assert await value(pipeline, f"SELECT ($1::text[])[{place}] AS v", items) == item


@pytest.mark.parametrize(
    ("sent", "error"), [("a\0b", ValueError), ([["a"], object()], TypeError), (1.5, TypeError)]
)
async def test_what_cannot_be_sent_whole_is_not_sent(
    pipeline: Pipeline, sent: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await value(pipeline, "SELECT $1::text AS v", sent)

    assert await is_usable(pipeline)


async def test_what_cannot_be_read_is_an_error_and_no_answer(pipeline: Pipeline) -> None:
    with pytest.raises(TypeError, match="1700"):
        await value(pipeline, "SELECT 1.5 AS v")

    assert await is_usable(pipeline)


async def test_many_at_once_get_each_its_own_answer(pipeline: Pipeline) -> None:
    asked = [value(pipeline, "SELECT $1::integer * 2 AS v", number) for number in range(500)]

    assert await asyncio.gather(*asked) == [number * 2 for number in range(500)]


async def test_what_is_asked_together_is_sent_together(owner_url: DatabaseUrl, tmp_path: Path) -> None:
    server = f"{dict(owner_url.parameters)['host']}/.s.PGSQL.5432"
    url = replace(login_of(APP_GROUP, owner_url, SECRET), parameters=(("host", str(tmp_path)),))
    sent: list[int] = []
    # It reads in this event loop, so that what has been sent lies there until the loop comes round.
    async with relay(server, tmp_path / ".s.PGSQL.5432"):
        connection = await psycopg.AsyncConnection.connect(url.for_libpq(), autocommit=True)
        pipeline = Pipeline(connection)
        asked = [asyncio.ensure_future(value(pipeline, "SELECT $1::integer AS v", n)) for n in range(50)]

        asyncio.get_running_loop().call_soon(lambda: sent.append(unread_bytes(connection.fileno())))

        assert await asyncio.gather(*asked) == [*range(50)]
        pipeline.close()
    assert sent == [0]


async def test_more_than_fits_into_a_message_arrives_whole(pipeline: Pipeline) -> None:
    long = "0123456789" * 400_000

    answers = await asyncio.gather(*(value(pipeline, "SELECT $1::text AS v", long) for _ in range(4)))

    assert answers == [long] * 4


async def test_no_row_is_nothing(pipeline: Pipeline) -> None:
    assert await value(pipeline, "SELECT 1 AS v WHERE false") is None


async def test_each_is_a_transaction_of_its_own(pipeline: Pipeline) -> None:
    signed_in = "SELECT set_config('app.user_id', 'alice', true) AS v"
    who = "SELECT coalesce(current_setting('app.user_id', true), '') AS v"

    alice, nobody = await asyncio.gather(value(pipeline, signed_in), value(pipeline, who))

    assert (alice, nobody) == ("alice", "")


async def test_what_is_refused_is_no_concern_of_its_neighbours(pipeline: Pipeline) -> None:
    nonsense = "SELECT nonsense AS v"
    divided = "SELECT 6 / $1::integer AS v"

    answers = await asyncio.gather(
        value(pipeline, divided, 3),
        value(pipeline, divided, 0),
        value(pipeline, nonsense),
        value(pipeline, nonsense),
        value(pipeline, divided, 2),
        return_exceptions=True,
    )

    assert [answers[0], answers[4]] == [2, 3]
    assert isinstance(answers[1], asyncpg.DivisionByZeroError)
    assert isinstance(answers[2], asyncpg.UndefinedColumnError)
    # It was not prepared, for no fault of its own: to be asked again.
    assert isinstance(answers[3], ConnectionLost)


async def test_whoever_is_called_off_leaves_its_answer_to_nobody(pipeline: Pipeline) -> None:
    called_off = asyncio.create_task(value(pipeline, "SELECT 1 AS v FROM pg_sleep(0.05)"))
    await asyncio.sleep(0)
    called_off.cancel()

    assert await value(pipeline, "SELECT 2 AS v") == 2


async def test_all_who_wait_are_told_of_a_lost_connection(pipeline: Pipeline, owner_url: DatabaseUrl) -> None:
    waiting = [
        asyncio.create_task(value(pipeline, "SELECT true AS v FROM pg_sleep($1)", seconds))
        for seconds in ("20", "0", "0")
    ]
    async with connect(owner_url) as owner:
        while not await owner.fetch(NAPPING):
            pass
        await owner.execute(END)
    told = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(one) for one in told] == [ConnectionLost] * 3
    # It was told to end, and that is never done to what is committed.
    assert all(one.is_undone for one in told if isinstance(one, ConnectionLost))
    assert pipeline.is_closed


async def test_an_end_is_heard_by_the_event_loop_of_the_product_whatever_else_there_was_to_read(
    owner_url: DatabaseUrl,
) -> None:
    url = login_of(APP_GROUP, owner_url, SECRET).for_libpq()

    async def told() -> list[Any]:
        pipeline = Pipeline(await psycopg.AsyncConnection.connect(url, autocommit=True))
        waiting = [asyncio.create_task(value(pipeline, "SELECT true AS v FROM pg_sleep(20)"))]
        with psycopg.connect(owner_url.for_libpq(), autocommit=True) as owner:
            await until(lambda: owner.execute(NAPPING).fetchone(), "the first is at work")
            waiting.append(asyncio.create_task(is_usable(pipeline)))
            for _ in range(3):
                await asyncio.sleep(0)  # a turn to ask, and one to send it
            # The server hangs up on a question it has not read, which is an error of the socket; that, and
            # its last words, are there at once, for nothing is heard meanwhile.
            owner.execute(END.replace("(pid)", "(pid, 5000)"))
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    def on_uvloop() -> list[Any]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(told())

    assert [one.is_undone for one in await asyncio.to_thread(on_uvloop)] == [True, True]


async def test_what_was_said_to_a_connection_that_just_ended_may_be_done(owner_url: DatabaseUrl) -> None:
    url = login_of(APP_GROUP, owner_url, SECRET).for_libpq()
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    pipeline = Pipeline(connection)
    waiting = asyncio.create_task(value(pipeline, "SELECT true AS v FROM pg_sleep(0.1)"))
    await asyncio.sleep(0)
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

    with pytest.raises(ConnectionLost) as lost:
        await waiting

    assert not lost.value.is_undone


async def test_nothing_is_said_to_a_connection_that_has_ended_unheard(owner_url: DatabaseUrl) -> None:
    url = login_of(APP_GROUP, owner_url, SECRET).for_libpq()
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    pipeline = Pipeline(connection)
    assert await is_usable(pipeline)
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RD)

    # Without a turn of the event loop, in which it would be heard.
    with pytest.raises(ConnectionLost) as lost:
        await is_usable(pipeline)

    assert lost.value.is_undone


async def test_a_plan_that_a_migration_has_made_invalid_is_made_anew(
    pipeline: Pipeline, owner_url: DatabaseUrl
) -> None:
    async with connect(owner_url) as owner:
        await owner.execute("CREATE TABLE shape (v integer)")
        await owner.execute(f"GRANT SELECT ON shape TO {APP_GROUP}; INSERT INTO shape VALUES (7)")
        assert await value(pipeline, "SELECT * FROM shape") == 7
        await owner.execute("ALTER TABLE shape ALTER v TYPE text")

        with pytest.raises(ConnectionLost):
            await value(pipeline, "SELECT * FROM shape")

        assert await value(pipeline, "SELECT * FROM shape") == "7"


async def test_only_so_many_statements_are_kept_prepared(pipeline: Pipeline) -> None:
    for number in range(300):
        assert await value(pipeline, f"SELECT {number} AS v") == number

    assert await value(pipeline, "SELECT count(*) AS v FROM pg_prepared_statements") <= 256
    assert await value(pipeline, "SELECT 0 AS v") == 0


async def test_a_connection_that_is_stuck_is_given_up(dial: Dial) -> None:
    pipeline = await dial(stuck_seconds=0.05)

    with pytest.raises(ConnectionLost):
        await value(pipeline, "SELECT 1 AS v FROM pg_sleep(4)")


async def test_whoever_has_no_turn_in_time_is_told_so(dial: Dial) -> None:
    pipeline = await dial(patience_seconds=0.05)
    slow = asyncio.create_task(value(pipeline, "SELECT 1 AS v FROM pg_sleep(0.5)"))
    await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        await value(pipeline, "SELECT 2 AS v")

    assert await slow == 1
    assert await value(pipeline, "SELECT 3 AS v") == 3
    pipeline.close()


async def test_only_so_many_wait_behind_one(pipeline: Pipeline) -> None:
    slow = asyncio.create_task(value(pipeline, "SELECT 0 AS v FROM pg_sleep(0.2)"))
    waiting = [asyncio.create_task(value(pipeline, "SELECT 1 AS v")) for _ in range(1_200)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert await slow == 0
    assert answers[:999] == [1] * 999
    assert {type(answer) for answer in answers[999:]} == {TimeoutError}


async def test_a_connection_at_rest_is_closed(dial: Dial) -> None:
    pipeline = await dial(idle_seconds=0.01)

    await until(lambda: pipeline.is_closed, "it is closed")


async def test_one_connection_does_as_long_as_nobody_waits_for_long(dial: Dial) -> None:
    async with Pipelines(dial, size=2, long_seconds=5) as pipelines:
        rows = await asyncio.gather(*(pipelines.ask(BACKEND, (), timeout=5) for _ in range(50)))

    assert len({row["pid"] for row in rows if row}) == 1


async def test_where_anybody_waits_some_are_opened_at_once(dial: Dial) -> None:
    async with Pipelines(dial, size=4, at_ease=2, long_seconds=5) as pipelines:
        rows = await asyncio.gather(*(pipelines.ask(NAP, (), timeout=5) for _ in range(40)))
        rows += await asyncio.gather(*(pipelines.ask(NAP, (), timeout=5) for _ in range(10)))

    assert len({row["pid"] for row in rows if row}) == 2


async def test_many_who_are_each_answered_soon_need_no_other_connection(dial: Dial) -> None:
    async with Pipelines(dial, size=2, long_seconds=0.15) as pipelines:
        asked = [asyncio.create_task(pipelines.ask(NAP, (), timeout=5)) for _ in range(40)]
        await asked[30]
        # The last has waited for far longer than that; the first of those who wait has not.
        last = await pipelines.ask(BACKEND, (), timeout=5)
        rows = [last, *await asyncio.gather(*asked)]

    assert len({row["pid"] for row in rows if row}) == 1


async def test_whoever_comes_behind_a_slow_question_is_answered_elsewhere(dial: Dial) -> None:
    async with Pipelines(dial, size=2, long_seconds=0) as pipelines:
        first = await pipelines.ask(BACKEND, (), timeout=5)
        slow = asyncio.create_task(pipelines.ask("SELECT true AS v FROM pg_sleep(20)", (), timeout=5))
        await asyncio.sleep(0)
        second = await pipelines.ask(BACKEND, (), timeout=5)
        assert not slow.done()
        slow.cancel()

    assert first
    assert second
    assert first["pid"] != second["pid"]


async def test_once_nobody_is_held_up_one_connection_does_again(dial: Dial) -> None:
    now, long_seconds = asyncio.get_running_loop().time, 0.2
    async with Pipelines(dial, size=2, long_seconds=long_seconds) as pipelines:
        slow = asyncio.create_task(pipelines.ask(f"{BACKEND} FROM pg_sleep(1)", (), timeout=5))
        held_up_at = now() + 2 * long_seconds
        await until(lambda: now() > held_up_at, "the first is held up")
        elsewhere = await pipelines.ask(BACKEND, (), timeout=5)
        first = await slow
        rows = await asyncio.gather(*(pipelines.ask(BACKEND, (), timeout=5) for _ in range(20)))

    assert first
    assert elsewhere
    assert elsewhere["pid"] != first["pid"]
    assert {row["pid"] for row in rows if row} == {first["pid"]}


async def test_where_there_is_no_room_for_another_the_one_that_is_held_up_has_to_do(dial: Dial) -> None:
    dials = [dial]

    async def once(**options: float) -> Pipeline:
        if not dials:
            raise ConnectionRefusedError
        return await dials.pop()(**options)

    async with Pipelines(once, size=2, long_seconds=0) as pipelines:
        asked = [pipelines.ask("SELECT pg_backend_pid() AS pid FROM pg_sleep(0.05)", (), timeout=5)]
        rows = await asyncio.gather(*asked, *(pipelines.ask(BACKEND, (), timeout=5) for _ in range(3)))

    assert len({row["pid"] for row in rows if row}) == 1


async def test_letters_arrive_as_they_are_whatever_else_is_said_of_their_encoding(
    owner_url: DatabaseUrl,
) -> None:
    url = login_of(APP_GROUP, owner_url, SECRET)
    latin = replace(url, parameters=(*url.parameters, ("client_encoding", "latin1")))

    async with open_reads(latin) as reads:
        assert reads
        row = await reads.ask("SELECT length($1::text) AS n, chr(29275) AS letter", ("naïve",), timeout=5)

    assert row
    assert (row["n"], row["letter"]) == (5, "牛")


async def test_a_connection_that_is_gone_is_replaced(dial: Dial, owner_url: DatabaseUrl) -> None:
    open_now = list[int]()
    async with Pipelines(dial, size=1, long_seconds=0, on_change=open_now.append) as pipelines:
        first = await pipelines.ask(BACKEND, (), timeout=5)
        async with connect(owner_url) as owner:
            await owner.execute(END)
        with suppress(ConnectionLost):
            await pipelines.ask(BACKEND, (), timeout=5)
        second = await pipelines.ask(BACKEND, (), timeout=5)

    assert second
    assert first
    assert first["pid"] != second["pid"]
    assert open_now == [1, 0, 1, 0]


async def test_where_nothing_can_be_opened_in_time_that_is_said(dial: Dial) -> None:
    async def never(**_: float) -> Pipeline:
        await asyncio.Event().wait()
        return await dial()

    async with Pipelines(never, size=1, long_seconds=0) as pipelines:
        with pytest.raises(TimeoutError):
            await pipelines.ask(BACKEND, (), timeout=0.01)
