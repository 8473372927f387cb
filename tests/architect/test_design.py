"""The whole way from a request to a verdict, with functions in the place of a model."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import models
from pydantic_ai.messages import ModelMessage, ModelResponse, RetryPromptPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tests.architect.cases import SOUND
from todo.architect.agents import Architect, Plan, Questions
from todo.architect.bench import Bench
from todo.architect.design import Access, AuthDesign, Design, FeatureRequest, SchemaDesign
from todo.architect.verdict import Clarification, Outcome, Verdict

models.ALLOW_MODEL_REQUESTS = False

TEXT = "due dates for todos"
REQUEST = FeatureRequest(slug="due-dates", text=TEXT)
PLAN = Plan(notes=["Beside the list"], tests=SOUND.tests, files=["src/todo/features/todos/api.py"])
SOUND_ANSWERS: dict[str, list[BaseModel]] = {
    "FeatureRequest": [REQUEST],
    "ApiDesign": [SOUND.api],
    "SchemaDesign": [SOUND.db],
    "AuthDesign": [SOUND.auth],
    "Plan": [PLAN],
}


class Script:
    """A model that gives each role's answers in their order, the last one again and again."""

    def __init__(self, **answers: list[BaseModel]) -> None:
        self._answers = {role: list(said) for role, said in (SOUND_ANSWERS | answers).items()}
        self.told: list[str] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        for part in messages[-1].parts:
            if isinstance(part, (RetryPromptPart, ToolReturnPart)):
                self.told.append(str(part.content))
        tools = {tool.name.removeprefix("final_result_"): tool.name for tool in info.output_tools}
        role = next(name for name in tools if name != "Questions")
        said = self._answers[role]
        answer = said.pop(0) if len(said) > 1 else said[0]
        tool = tools[type(answer).__name__]
        return ModelResponse(parts=[ToolCallPart(tool, answer.model_dump(mode="json"))])


async def run(
    place: Bench, script: Callable[..., Any], *, budget: int = 24, request: FeatureRequest = REQUEST
) -> tuple[Verdict, Architect]:
    architect = Architect(place, FunctionModel(script), budget)
    return await architect.design(request), architect


def _without_index() -> SchemaDesign:
    return SOUND.db.model_copy(update={"changes": SOUND.db.changes[:1]})


async def test_a_sound_design_takes_five_calls(place: Bench) -> None:
    verdict, asked_of = await run(place, Script())

    assert (verdict.outcome, asked_of.usage.requests, asked_of.sent_back) == (Outcome.VERIFIED, 5, [])
    assert isinstance(verdict.design, Design)
    assert verdict.design.files == PLAN.files


async def test_each_specialist_is_sent_back_with_evidence_and_mends_it(place: Bench) -> None:
    api = SOUND.api.model_copy(
        update={"endpoints": [one.model_copy(update={"errors": []}) for one in SOUND.api.endpoints]}
    )
    script = Script(
        ApiDesign=[api, SOUND.api],
        SchemaDesign=[_without_index(), SOUND.db],
        AuthDesign=[AuthDesign(rules=SOUND.auth.rules[:1]), SOUND.auth],
    )

    verdict, asked_of = await run(place, script)

    assert (verdict.outcome, asked_of.usage.requests) == (Outcome.VERIFIED, 8)
    assert {role for role, _ in asked_of.sent_back} == {
        "api-designer",
        "db-schema-manager",
        "auth-specialist",
    }
    told = "\n".join(script.told)
    assert "ERR-1 GET /api/todos/due: does not declare 401, 422, 503" in told
    assert "sorts all rows of the owner by [due_at, id]" in told
    assert "Index Scan [Relation Name: todos]" in told
    assert "AUTH-1 PATCH /api/todos/{todo_id}/due: no rules of access" in told


async def test_what_nobody_mends_goes_to_the_person_with_both_sides(place: Bench) -> None:
    verdict, _ = await run(place, Script(SchemaDesign=[_without_index()]))

    assert verdict.outcome is Outcome.NEEDS_DECISION
    assert {conflict.finding.rule for conflict in verdict.conflicts} == {"IDX-1"}
    sides = verdict.conflicts[0].sides
    assert '"due_before"' in sides["api"]
    assert "ADD COLUMN due_at" in sides["db"]
    assert "GET /api/todos/due" in sides["auth"]


async def test_a_question_of_the_request_stops_before_the_first_call(place: Bench) -> None:
    request = FeatureRequest(slug="sharing", text="share todos with a team")

    verdict, asked_of = await run(place, Script(), request=request)

    assert (verdict.outcome, asked_of.usage.requests) == (Outcome.NEEDS_DECISION, 0)
    assert [question.id for question in verdict.questions] == ["sharing"]


@pytest.mark.parametrize("role", ["FeatureRequest", "ApiDesign", "SchemaDesign", "AuthDesign"])
async def test_anybody_may_ask_instead_of_guessing(place: Bench, role: str) -> None:
    asked = Clarification(id="zone", kind="ambiguity", question="Whose day is it?", options=["UTC", "theirs"])

    questions: list[BaseModel] = [Questions(questions=[asked])]

    verdict, _ = await run(place, Script(**{role: questions}))

    assert (verdict.outcome, verdict.questions) == (Outcome.NEEDS_DECISION, [asked])


async def test_a_model_that_never_learns_is_stopped_by_the_budget(place: Bench) -> None:
    wrong = AuthDesign(rules=[Access(endpoint="GET /api/elsewhere")])

    verdict, asked_of = await run(place, Script(AuthDesign=[wrong]), budget=6)

    assert verdict.outcome is Outcome.UNVERIFIED
    assert asked_of.usage.requests == 6
    assert "6" in (verdict.reason or "")


@pytest.mark.parametrize("name", ["nonsense", "openai:anything"])
async def test_a_model_that_cannot_be_asked_leaves_the_design_unverified(place: Bench, name: str) -> None:
    verdict = await Architect(place, name).design(REQUEST)

    assert verdict.outcome is Outcome.UNVERIFIED
    assert "the model cannot be asked" in (verdict.reason or "")
