"""How it starts, stops, is killed, and comes back."""

import asyncio
import signal
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.e2e.in_flight import request_in_flight
from tests.e2e.people import People
from tests.e2e.product import Product
from tests.e2e.waiting import until, until_answered, wait_until
from tests.factories import Person


async def stop_with_a_request_in_flight(
    product: Product, people: People, number: signal.Signals
) -> httpx2.Response:
    """Send the signal while a request is being worked on, and give its answer."""
    person = await (await people.newcomer(product)).person()
    await person.make_todo("Before")
    async with request_in_flight(product, person) as request:
        # As the terminal does.
        product.signal(number, to_group=number is not signal.SIGTERM)
        await until(lambda: not product.listens(product.family()), "no new connections are taken")
        # Whoever hurries would have given it up by the end of this.
        assert await asyncio.wait([request], timeout=0.5) == (set(), {request})
    return await request


async def test_two_workers_answer_and_a_killed_one_is_replaced(pair: Product, people: People) -> None:
    await people.clients_of_all_workers(pair)
    killed, survivor = pair.workers()

    killed.kill()

    await until(lambda: killed not in pair.workers() and len(pair.workers()) == 2, "there are two again")
    assert survivor in pair.workers()
    await people.clients_of_all_workers(pair)


async def test_what_both_workers_remember_ends_at_both_at_once(pair: Product, people: People) -> None:
    account = await people.newcomer(pair)
    person = await account.person()
    made = (await person.post("/api/keys", json={"name": "Desktop"})).json()
    by_token, by_key = {"authorization": f"Bearer {person.token}"}, {"x-api-key": made["key"]}
    clients = await people.clients_of_all_workers(pair)

    async def seen(headers: dict[str, str]) -> set[int]:
        return {(await client.get("/api/todos", headers=headers)).status_code for client in clients}

    known = await seen(by_token), await seen(by_key)
    await person.delete(f"/api/keys/{made['id']}")
    without_key = await seen(by_token), await seen(by_key)
    await account.ask("POST", "sign-out")

    assert (known, without_key, await seen(by_token)) == (({200}, {200}), ({200}, {401}), {401})


async def test_a_worker_that_dies_while_it_starts_is_replaced_as_soon(pair: Product) -> None:
    before = pair.workers()
    before[0].kill()
    await until(lambda: set(pair.workers()) - set(before), "there is a new one")
    (starting,) = set(pair.workers()) - set(before)
    starting.suspend()
    suspended_at = time.monotonic()
    # Twice as long as until it is asked the next time, which nothing outside shows.
    await until(lambda: time.monotonic() - suspended_at > 1, "it has been asked whether it lives")

    starting.kill()

    await until(lambda: starting not in pair.workers() and len(pair.workers()) == 2, "there are two again")


async def test_a_killed_parent_takes_its_workers_along_and_frees_the_port(
    pair: Product, people: People
) -> None:
    person = await (await people.newcomer(pair)).person()
    await people.clients_of_all_workers(pair)
    workers = pair.workers()

    pair.kill_parent()

    wait_until(lambda: not set(workers) & set(pair.family()), "the workers have ended", seconds=10)
    pair.start()
    assert (await person.get("/api/todos")).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_two_workers_are_stopped_as_gently_as_one(
    pair: Product, people: People, number: signal.Signals
) -> None:
    await people.clients_of_all_workers(pair)

    answer = await stop_with_a_request_in_flight(pair, people, number)

    assert answer.status_code == 201
    assert pair.wait() == 0
    # Python's own helper for child processes notices a moment later that nobody is left.
    pair.await_end(seconds=2)


def test_a_proxy_of_the_environment_is_not_asked_about_our_own_address(sturdy_product: Product) -> None:
    if sturdy_product.family():
        sturdy_product.stop()

    sturdy_product.launch(http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")

    sturdy_product.await_output("is ready")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name
)
async def test_a_stop_finishes_the_request_in_flight_and_leaves_no_process_behind(
    alone: Product, people: People, number: signal.Signals
) -> None:
    answer = await stop_with_a_request_in_flight(alone, people, number)

    assert answer.status_code == 201
    assert alone.wait() == 0
    assert alone.family() == []


def test_an_impatient_second_signal_leaves_nothing_behind_either(alone: Product) -> None:
    for _ in range(3):
        alone.signal(signal.SIGINT, to_group=True)

    assert alone.wait() == 0
    assert alone.family() == []


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("Starting the database", signal.SIGTERM),
        ("Checking the schema", signal.SIGINT),
        ("Starting sign-in", signal.SIGTERM),
    ],
)
def test_a_stop_in_the_middle_of_the_start_leaves_nothing_behind(
    own_product: Product, stage: str, number: signal.Signals
) -> None:
    own_product.launch()
    own_product.await_output(stage)

    own_product.signal(number, to_group=number is signal.SIGINT)

    assert own_product.wait() == 0
    assert own_product.family() == []
    assert "Traceback" not in own_product.output


def test_a_stop_before_everything_is_loaded_is_not_lost(own_product: Product) -> None:
    own_product.launch()
    wait_until(lambda: "/asyncpg/" in own_product.loaded(), "it is loading what only a server needs")

    own_product.signal(signal.SIGINT, to_group=True)

    assert own_product.wait() == 0
    assert own_product.family() == []
    assert "Traceback" not in own_product.output


def test_a_stop_while_the_database_is_being_created_leaves_a_folder_that_can_be_started(
    tmp_path: Path,
) -> None:
    with closing(Product(tmp_path)) as product:
        product.launch()
        product.await_output("Creating the database")
        product.signal(signal.SIGINT, to_group=True)
        assert product.wait() == 0
        assert "Traceback" not in product.output

        product.start()


async def test_after_the_parent_is_killed_the_next_start_has_every_todo(
    alone: Product, people: People
) -> None:
    person = await (await people.newcomer(alone)).person()
    await person.make_todo("Before the crash")
    node = alone.auth_server()

    alone.kill_parent()

    wait_until(lambda: node not in alone.family(), "the auth server ended with its parent")
    alone.start()
    listed = await person.get("/api/todos")
    assert [todo["title"] for todo in listed.json()["items"]] == ["Before the crash"]


async def test_every_acknowledged_todo_outlives_the_death_of_every_process(
    alone: Product, people: People
) -> None:
    person = await (await people.newcomer(alone)).person()
    acknowledged: list[str] = []
    writing = asyncio.create_task(_write_until_it_fails(person, acknowledged))
    await until(lambda: len(acknowledged) > 30, "thirty todos are acknowledged")

    alone.kill_everything()

    await writing
    alone.start()
    stored = (await person.get("/api/todos", params={"limit": 100})).json()
    assert stored["total"] in {len(acknowledged), len(acknowledged) + 1}
    assert set(acknowledged[-90:]) <= {todo["id"] for todo in stored["items"]}


def test_another_program_under_the_old_number_of_postgresql_does_not_stop_the_next_start(
    alone: Product, product: Product
) -> None:
    cluster = alone.data_dir / "postgres"
    stranger = product.postgres()[0]
    alone.kill_everything()
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        _, *others = (cluster / name).read_text(encoding="utf-8").splitlines()
        (cluster / name).write_text("\n".join([str(stranger.pid), *others, ""]), encoding="utf-8")

    alone.start()

    assert stranger.is_running()
    assert alone.postgres()[0] != stranger


async def _write_until_it_fails(person: Person, acknowledged: list[str]) -> None:
    while True:
        try:
            answer = await person.post("/api/todos", json={"title": "Survivor"})
        except httpx2.TransportError:
            return
        if answer.status_code == 201:
            acknowledged.append(answer.json()["id"])


async def test_a_killed_auth_server_stops_no_signed_in_person_and_is_soon_back(
    alone: Product, people: People
) -> None:
    account = await people.newcomer(alone)
    person = await account.person()

    alone.kill_auth_server()

    away = await account.ask("GET", "token")
    assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    assert away.headers["retry-after"].isdigit()
    assert (await person.get("/api/todos")).status_code == 200
    await until_answered(lambda: account.ask("GET", "token"), 200, seconds=15)


def test_a_stop_while_the_auth_server_is_away_leaves_nothing_behind(alone: Product) -> None:
    alone.kill_auth_server()

    assert alone.stop() == 0
    assert alone.family() == []


async def test_without_its_database_it_answers_503_and_comes_back_with_it(
    alone: Product, people: People
) -> None:
    account = await people.newcomer(alone)
    person = await account.person()

    for process in alone.postgres():
        process.kill()

    away = [await person.get("/api/todos"), await account.ask("GET", "token")]
    assert [answer.status_code for answer in away] == [503, 503]
    assert all(answer.headers["retry-after"].isdigit() for answer in away)
    assert away[0].json()["error_code"] == "unavailable"
    answers = await until_answered(lambda: person.get("/api/todos"), 200, seconds=30)
    assert {answer.status_code for answer in answers[:-1]} <= {503}


async def test_a_crashed_backend_of_the_database_is_survived(alone: Product, people: People) -> None:
    person = await (await people.newcomer(alone)).person()
    await person.make_todo()
    backend = next(process for process in alone.postgres() if "todo_app" in process.cmdline()[0])

    # PostgreSQL ends every other connection too and recovers.
    backend.kill()

    answers = await until_answered(lambda: person.get("/api/todos"), 200, seconds=15)
    assert {answer.status_code for answer in answers[:-1]} <= {503}
    assert answers[-1].json()["total"] == 1
