"""pgbench says what the product said, of other people."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from benchmarks.recording import FRESH, Step
from benchmarks.scripts import Script

PERSON, SESSION, TODO = uuid4(), uuid4(), uuid4()
KNOWN = {PERSON: "u", SESSION: "s", TODO: "t"}
REPEATED = 4
BEGUN = [
    Step("BEGIN"),
    Step(f"SET LOCAL app.user_id = '{PERSON}'"),
    Step(f"SELECT FROM auth.session WHERE id = '{SESSION}'"),
]


def job(*steps: Step) -> list[str]:
    """Give the lines of the first turn."""
    lines = Script([[*BEGUN, *steps, Step("COMMIT")]], KNOWN, REPEATED).text.splitlines()
    return lines[2 : 2 + (len(lines) - 2) // REPEATED]


def test_a_read_is_one_message_with_the_ids_of_whoever_was_drawn() -> None:
    assert job(Step("SELECT title\n FROM todos WHERE user_id = $1::UUID AND id = $2", (PERSON, TODO))) == [
        "\\startpipeline",
        "BEGIN;",
        "SELECT set_config('app.user_id', :u0, true);",
        "SELECT FROM auth.session WHERE id = :s0;",
        "SELECT title FROM todos WHERE user_id = :u0::UUID AND id = :t0;",
        "COMMIT;",
        "\\endpipeline",
    ]


def test_every_turn_is_of_somebody_else() -> None:
    text = Script([[Step("SELECT $1", (PERSON,))]], KNOWN, REPEATED).text

    assert [f"SELECT :u{turn};" in text for turn in range(REPEATED)] == [True] * REPEATED


def test_what_a_statement_gave_is_waited_for_where_a_later_one_needs_it() -> None:
    at = datetime(2026, 11, 25, 10, 5, tzinfo=UTC)
    lines = job(
        Step("UPDATE users RETURNING seq, at", (), {"seq": 7, "at": at, "todo_count": 1}),
        Step("INSERT INTO todos VALUES ($1, $2, $3, $4)", (uuid4(), at, 7, 1)),
    )

    assert lines[-6:] == [
        "\\endpipeline",
        "UPDATE users RETURNING seq, at \\gset r3_",
        "\\startpipeline",
        "INSERT INTO todos VALUES (uuidv7(), :r3_at, :r3_seq, 1);",
        "COMMIT;",
        "\\endpipeline",
    ]


def test_other_arguments_are_written_out() -> None:
    [line] = [
        line
        for line in job(Step("SELECT $1, $2, $3, $4, $5", ("it's", None, True, 21, ["a", "b"])))
        if "$" in line or "it" in line
    ]

    assert line == """SELECT 'it''s', NULL, true, 21, '{"a","b"}';"""


def test_what_pgbench_would_misread_is_refused() -> None:
    with pytest.raises(ValueError, match=":05"):
        job(Step("SELECT interval '10:05'"))


def test_an_id_that_is_not_known_is_new_each_time() -> None:
    assert f"SELECT uuidv7(), '{UUID(int=0)}';" in job(Step(f"SELECT $1, '{UUID(int=0)}'", (uuid4(),)))


def test_what_has_to_be_new_is_new_each_time_and_what_takes_turns_stays_with_its_ids() -> None:
    turns = [[Step("SELECT $1, $2", (TODO, FRESH))], [Step("SELECT -1, $1", (TODO,))]]
    lines = Script(turns, KNOWN, REPEATED).text.splitlines()
    said = [line for line in lines[2:] if line.startswith("SELECT")]

    assert said[:3] == ["SELECT :t0, random()::text;", "SELECT -1, :t0;", "SELECT :t2, random()::text;"]
