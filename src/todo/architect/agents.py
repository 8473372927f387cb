"""From a request to a verdict, by a model in four roles: who is asked when, and what goes back to whom.

The only module that knows pydantic-ai; it is loaded when a model is named.
"""

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_ai import Agent, AgentRunError, ModelRetry, RunContext, RunUsage, UsageLimits, UserError
from pydantic_ai.models import Model

from todo.architect.bench import Bench
from todo.architect.brief import facts, instructions_of
from todo.architect.design import ApiDesign, AuthDesign, Design, FeatureRequest, Proofs, SchemaDesign
from todo.architect.verdict import Clarification, Conflict, Finding, Outcome, Owner, Verdict, unverified

Answer = TypeVar("Answer", bound=BaseModel)
_SENT_BACK_AT_MOST = 2


class Plan(BaseModel):
    """What the coordinator adds: notes for who builds it, its tests, and the files it touches."""

    notes: list[str]
    tests: list[Proofs]
    files: list[str]


class Questions(BaseModel):
    """What has to be known first, and only a person can say."""

    questions: list[Clarification]


class Asked(Exception):
    """Somebody has questions."""

    def __init__(self, questions: list[Clarification]) -> None:
        super().__init__(f"{len(questions)} questions")
        self.questions = questions


# Who answers for which findings, and with what; in this order they mend what is left.
_HALVES: dict[Owner, tuple[str, type[BaseModel]]] = {
    "api": ("api-designer", ApiDesign),
    "db": ("db-schema-manager", SchemaDesign),
    "auth": ("auth-specialist", AuthDesign),
    "coordinator": ("backend-architect", Plan),
}


class Architect:
    """Designs features over the running system, within a budget of calls for each."""

    def __init__(self, bench: Bench, model: Model | str, budget: int = 24) -> None:
        self._bench = bench
        self._model = model
        self._limits = UsageLimits(request_limit=budget)
        self.usage = RunUsage()
        self.sent_back: list[tuple[str, list[Finding]]] = []

    async def design(self, request: FeatureRequest) -> Verdict:
        """Go the whole way; stop where only a person can go on, or the model cannot."""
        try:
            return await self._settled(await self._designed(request))
        except Asked as asked:
            return Verdict(outcome=Outcome.NEEDS_DECISION, questions=asked.questions)
        except (AgentRunError, UserError, ImportError) as error:
            return unverified(f"After {self.usage.requests} calls the model cannot be asked: {error}")

    async def _designed(self, given: FeatureRequest) -> Design:
        if questions := self._bench.questions(given):
            raise Asked(questions)
        analysed = await self._ask("backend-architect", FeatureRequest, f"Analyse: {given.text}")
        design = Design(request=given.model_copy(update={"components": analysed.components}))
        design = await self._half(design, "api", f"Design the API of: {given.text}")
        # Neither needs the other.
        db, auth = await asyncio.gather(
            self._half(design, "db", "Design the schema"), self._half(design, "auth", "Design the access")
        )
        design = design.model_copy(update={"db": db.db, "auth": auth.auth})
        return await self._half(design, "coordinator", "Name notes, tests and files")

    async def _settled(self, design: Design) -> Verdict:
        """Give those who can mend what is left one more round; what then remains is for the person."""
        verdict = await self._bench.verify(design)
        for owner in _HALVES:
            if mine := verdict.errors(owner):
                design = await self._half(design, owner, "Mend only this:\n" + "\n".join(map(str, mine)))
                verdict = await self._bench.verify(design)
        if errors := verdict.errors():
            conflicts = [Conflict(finding=one, sides=_sides(one, design)) for one in errors]
            return verdict.model_copy(update={"outcome": Outcome.NEEDS_DECISION, "conflicts": conflicts})
        return verdict

    async def _half(self, design: Design, owner: Owner, task: str) -> Design:
        """Have one part of a design made; what its maker answers for is judged with all the rest."""
        role, wanted = _HALVES[owner]
        prompt = f"{task}\n\nThe design so far:\n{design.model_dump_json(exclude_defaults=True)}"
        return _with(design, owner, await self._ask(role, wanted, prompt, (design, owner)))

    async def _ask(
        self, role: str, wanted: type[Answer], prompt: str, part: tuple[Design, Owner] | None = None
    ) -> Answer:
        """Give an answer of the wanted form; what the rules refuse is sent back twice."""
        agent: Agent[None, Any] = Agent(
            self._model,
            name=role,
            output_type=[wanted, Questions],
            instructions=[instructions_of(role), facts(self._bench)],
            deps_type=type(None),
            retries=_SENT_BACK_AT_MOST,
        )

        @agent.output_validator
        async def judged(context: RunContext[None], answer: Any) -> Any:
            if part and isinstance(answer, wanted):
                findings = (await self._bench.verify(_with(*part, answer))).errors(part[1])
                if findings:
                    self.sent_back.append((role, findings))
                if findings and context.retry < _SENT_BACK_AT_MOST:
                    raise ModelRetry("\n".join(map(str, findings)))
            return answer

        answer = (await agent.run(prompt, usage=self.usage, usage_limits=self._limits)).output
        if isinstance(answer, wanted):
            return answer
        raise Asked(answer.questions)


def _with(design: Design, owner: Owner, answer: BaseModel) -> Design:
    return design.model_copy(update=dict(answer) if isinstance(answer, Plan) else {owner: answer})


def _sides(finding: Finding, design: Design) -> dict[str, str]:
    """Show what each specialist says about the place."""
    endpoint = design.endpoint(" ".join(finding.where.split()[:2]))
    name, table = (endpoint.name, endpoint.table) if endpoint else (finding.where, finding.where)
    sides: dict[str, list[Any]] = {
        "api": [endpoint] if endpoint else [],
        "db": [change for change in design.db.changes if change.table == table],
        "auth": design.access(name),
    }
    return {
        side: "; ".join(it.model_dump_json(exclude_defaults=True) for it in said)
        for side, said in sides.items()
        if said
    }
