"""From a request to a verdict: who is asked when, what goes back, and what goes to the person."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from todo.architect.findings import Clarification, Conflict, Finding, Outcome, Verdict
from todo.architect.judge import unverified
from todo.architect.model import ApiDesign, AuthDesign, Design, FeatureRequest, Proofs, SchemaDesign
from todo.architect.specialists import Half, Questions, Specialists, Stopped, said
from todo.architect.verifying import Bench


class Plan(BaseModel):
    """What the coordinator adds: notes for who builds it, its tests, and the files it touches."""

    notes: list[str]
    tests: list[Proofs]
    files: list[str]


# Who answers for which findings, and with what; in this order they mend what is left.
_HALVES: dict[str, tuple[str, type[BaseModel]]] = {
    "api": ("api-designer", ApiDesign),
    "db": ("db-schema-manager", SchemaDesign),
    "auth": ("auth-specialist", AuthDesign),
    "coordinator": ("backend-architect", Plan),
}


@dataclass
class Run:
    """One way from a request to a verdict, and what happened on it."""

    verdict: Verdict
    calls: int = 0
    tokens: int = 0
    sent_back: list[tuple[str, list[Finding]]] = field(default_factory=list)


class _Asked(Exception):
    """Somebody has questions."""

    def __init__(self, questions: list[Clarification]) -> None:
        super().__init__(f"{len(questions)} questions")
        self.questions = questions


class Flow:
    """Designs one feature."""

    def __init__(self, bench: Bench, specialists: Specialists) -> None:
        self._bench = bench
        self._specialists = specialists

    async def design(self, request: FeatureRequest) -> Run:
        """Go the whole way; stop where only a person can go on."""
        try:
            verdict = await self._designed(request)
        except _Asked as asked:
            verdict = Verdict(outcome=Outcome.NEEDS_DECISION, questions=asked.questions)
        except Stopped as error:
            verdict = unverified(str(error))
        usage = self._specialists.usage
        return Run(verdict, usage.requests, usage.total_tokens, self._specialists.sent_back)

    async def _designed(self, given: FeatureRequest) -> Verdict:
        if questions := self._bench.questions(given):
            raise _Asked(questions)
        analysed = await self._ask("backend-architect", FeatureRequest, f"Analyse: {given.text}", _no_check)
        design = Design(request=given.model_copy(update={"components": analysed.components}))
        design = await self._half(design, "api", f"Design the API of: {given.text}")
        # Neither needs the other.
        db, auth = await asyncio.gather(
            self._half(design, "db", _after(design, "Design the schema")),
            self._half(design, "auth", _after(design, "Design the access")),
        )
        design = design.model_copy(update={"db": db.db, "auth": auth.auth})
        design = await self._half(design, "coordinator", _after(design, "Name notes, tests and files"))
        return await self._settled(design)

    async def _settled(self, design: Design) -> Verdict:
        """Give those who can mend what is left one more round; what then remains is for the person."""
        verdict = await self._bench.verify(design)
        for owner in _HALVES:
            if mine := _errors(verdict, owner):
                design = await self._half(design, owner, _after(design, f"Mend only this:\n{said(mine)}"))
                verdict = await self._bench.verify(design)
        if errors := _errors(verdict):
            conflicts = [_conflict(one, design) for one in errors]
            return verdict.model_copy(update={"outcome": Outcome.NEEDS_DECISION, "conflicts": conflicts})
        return verdict

    async def _half(self, design: Design, owner: str, prompt: str) -> Design:
        """Have one part of a design made; what its maker answers for is judged with all the rest."""
        role, wanted = _HALVES[owner]

        def with_it(answer: BaseModel) -> Design:
            return design.model_copy(update=dict(answer) if isinstance(answer, Plan) else {owner: answer})

        async def check(answer: BaseModel) -> list[Finding]:
            return _errors(await self._bench.verify(with_it(answer)), owner)

        return with_it(await self._ask(role, wanted, prompt, check))

    async def _ask(
        self, role: str, wanted: type[Half], prompt: str, check: Callable[[Half], Awaitable[list[Finding]]]
    ) -> Half:
        answer = await self._specialists.ask(role, wanted, prompt, check)
        if isinstance(answer, Questions):
            raise _Asked(answer.questions)
        return answer


async def _no_check(_: FeatureRequest) -> list[Finding]:
    return []


def _errors(verdict: Verdict, owner: str | None = None) -> list[Finding]:
    return [one for one in verdict.findings if one.severity == "error" and owner in {None, one.owner}]


def _after(design: Design, task: str) -> str:
    return f"{task}\n\nThe design so far:\n{design.model_dump_json(exclude_defaults=True)}"


def _conflict(finding: Finding, design: Design) -> Conflict:
    """Show what each side says about the place."""
    name = " ".join(finding.where.split()[:2])
    endpoint = design.endpoint(name)
    table = design.table(endpoint.table if endpoint else finding.where.partition(".")[0])
    parts: dict[str, Sequence[BaseModel | None]] = {
        "api": [endpoint],
        "db": [table],
        "auth": design.access(name),
    }
    said = {
        side: "; ".join(one.model_dump_json(exclude_defaults=True) for one in some if one)
        for side, some in parts.items()
    }
    sides = {side: text for side, text in said.items() if text}
    return Conflict(rule=finding.rule, where=finding.where, detail=finding.detail, sides=sides)
