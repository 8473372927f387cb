"""A design is judged over the running system: each fault is named by the rule for it, and by no other."""

import pytest

from tests.architect.cases import CASES, SOUND, Planted
from tests.architect.test_rules import SEEN
from todo.architect.bench import Bench
from todo.architect.design import Design
from todo.architect.rules import RULES
from todo.architect.verdict import Outcome
from todo.database.engine import connect
from todo.problems import CannotStart


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_fault_is_named_by_its_rule_alone(place: Bench, case: Planted) -> None:
    answers = {name: told for name, told in place.constitution.answers.items() if name not in case.open}
    constitution = place.constitution.model_copy(update={"answers": answers})

    verdict = await Bench(place.url, place.live, constitution).verify(case.design)

    assert {finding.rule for finding in verdict.findings} == case.expected, verdict.findings
    severities = {"ask" if RULES[rule].asks else "error" for rule in case.expected}
    assert verdict.outcome is (
        Outcome.REJECTED
        if "error" in severities
        else Outcome.NEEDS_DECISION
        if severities
        else Outcome.VERIFIED
    )


def test_every_rule_has_a_case_that_it_alone_finds() -> None:
    expected = [case.expected for case in CASES] + [seen.expected for seen in SEEN]
    alone = {rule for rules in expected if len(rules) == 1 for rule in rules}

    assert RULES.keys() - alone == set()


async def test_nothing_of_a_design_stays(place: Bench) -> None:
    await place.verify(SOUND)

    async with connect(place.url) as connection:
        assert not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attname = 'due_at' AND attnum > 0)"
        )


async def test_a_database_that_is_not_made_to_be_thrown_away_is_refused(place: Bench) -> None:
    mark = f"COMMENT ON DATABASE {place.url.database} IS "
    async with connect(place.url) as connection:
        await connection.execute(mark + "'somebody works here'")
        try:
            with pytest.raises(CannotStart, match="not marked as such"):
                await place.verify(SOUND)
        finally:
            await connection.execute(mark + "'todo architect: scratch'")


async def test_a_finding_carries_the_plan_or_the_error(place: Bench) -> None:
    by_name = {case.name: case.design for case in CASES}

    served = await place.verify(by_name["4 an index without the tie-breaker"])
    refused = await place.verify(by_name["19 an index on a misspelt column"])

    assert "Sort [Sort Key: ['due_at', 'id']]" in served.findings[0].evidence
    assert "UndefinedColumnError" in refused.findings[0].detail
    assert refused.findings[0].evidence.startswith("CREATE UNIQUE INDEX")


async def test_an_answer_to_a_question_settles_it(place: Bench) -> None:
    asking = SOUND.request.model_copy(update={"text": "share todos", "answers": {"sharing": "never"}})

    verdict = await place.verify(SOUND.model_copy(update={"request": asking}))

    assert (verdict.outcome, verdict.questions) == (Outcome.VERIFIED, [])


async def test_a_waiver_needs_a_reason_and_is_told(place: Bench) -> None:
    design = SOUND.model_dump() | {
        "db": {"changes": [{"table": "todos", "sql": "ALTER TABLE todos ADD COLUMN due_at timestamptz"}],
               "migration": "expand"},
        "waivers": [{"rule": "IDX-1", "where": "GET /api/todos/due *", "reason": "a trial for ten people"}],
    }  # fmt: skip

    verdict = await place.verify(Design.model_validate(design))

    assert verdict.outcome is Outcome.VERIFIED
    assert {finding.where for finding in verdict.waived} == {
        "GET /api/todos/due filter due_before",
        "GET /api/todos/due sort due_at",
        "GET /api/todos/due sort -due_at",
    }


async def test_a_design_that_says_nothing_is_unverified(place: Bench) -> None:
    assert (await place.verify(Design())).outcome is Outcome.UNVERIFIED
