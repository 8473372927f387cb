"""The upkeep of a running product: by itself, and when it is asked for."""

import signal
from uuid import UUID, uuid4

from tests.e2e.people import People
from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person
from todo.database.engine import connect


async def put_into_trash_long_ago(product: Product, person: Person) -> None:
    """Make a todo that has been in the trash for a year."""
    todo = await person.make_todo()
    await person.delete(f"/api/todos/{todo['id']}")
    async with connect(product.owner_url) as owner:
        await owner.execute(
            "UPDATE todos SET deleted_at = now() - interval '1 year' WHERE id = $1", UUID(todo["id"])
        )


async def test_the_trash_is_emptied_soon_after_a_start(alone: Product, people: People) -> None:
    person = await (await people.newcomer(alone)).person()
    await put_into_trash_long_ago(alone, person)
    alone.stop()

    alone.start()

    async def is_emptied() -> bool:
        listed = await person.get("/api/todos", params={"status": "deleted"})
        return bool(listed.json()["total"] == 0)

    await until(is_emptied, "the trash is empty", seconds=60)
    await until(lambda: "removed 1 todos" in alone.output, "the upkeep is logged")


async def test_a_stop_in_the_middle_of_the_upkeep_leaves_nothing_behind(
    alone: Product, people: People
) -> None:
    person = await (await people.newcomer(alone)).person()
    await put_into_trash_long_ago(alone, person)
    alone.stop()
    alone.start()
    async with connect(alone.owner_url) as owner, connect(alone.owner_url) as observer:
        await owner.execute("BEGIN; SELECT FROM users FOR UPDATE")

        async def is_waiting() -> bool:
            found = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
            return bool(await observer.fetchval(found))

        await until(is_waiting, "the upkeep waits for the person", seconds=60)

        alone.signal(signal.SIGTERM)

        assert alone.wait() == 0
        for connection in (owner, observer):
            connection.terminate()
    assert alone.family() == []


async def test_by_hand_it_also_removes_what_sign_in_left_behind(product: Product, people: People) -> None:
    account = await people.newcomer(product)
    ended = await people.again(product, account)
    async with connect(product.owner_url) as owner:
        await owner.execute(
            "UPDATE auth.session SET \"expiresAt\" = now() - interval '1 hour' WHERE token = $1",
            ended.session,
        )
        await owner.execute(
            'INSERT INTO auth.verification (identifier, value, "expiresAt")'
            " VALUES ('old', 'x', now() - interval '1 hour'), ('new', 'x', now() + interval '1 hour')"
        )
        await owner.execute(
            'INSERT INTO auth."rateLimit" (key, count, "lastRequest") VALUES ($1, 1, 0)', uuid4().hex
        )

        finished = product.run("upkeep")

        assert finished.returncode == 0, finished.stderr
        assert "1 sessions, 1 verifications, 1 counts of attempts" in finished.stdout
        left = await owner.fetch(
            "SELECT identifier FROM auth.verification WHERE identifier IN ('old', 'new')"
        )
        assert [row["identifier"] for row in left] == ["new"]
    assert (await account.ask("GET", "get-session")).json() is not None
    assert (await ended.ask("GET", "get-session")).json() is None


def test_a_database_of_another_version_is_left_alone(own_product: Product) -> None:
    assert own_product.run("migrate", "--down-to", "0001").returncode == 0

    finished = own_product.run("upkeep")

    assert (finished.returncode, finished.stdout) == (1, "")
    assert "todo migrate" in finished.stderr
