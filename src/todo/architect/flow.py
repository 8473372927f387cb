"""From a request to a verdict: who is asked when, what goes back, and what goes to the person."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import BaseModel

from todo.architect.findings import Clarification, Conflict, Finding, Outcome, Verdict
from todo.architect.judge import unverified
from todo.architect.model import ApiDesign, AuthDesign, Design, FeatureRequest, Proofs, SchemaDesign
from todo.architect.specialists import Half, OverBudget, Questions, Specialists, said
from todo.architect.verifying import Bench


class Plan(BaseModel):
    """What the coordinator adds: notes for who builds it, its tests, and the files it touches."""

    notes: list[str]
    tests: list[Proofs]
    files: list[str]


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
        except OverBudget as error:
            verdict = unverified(str(error))
        usage = self._specialists.usage
        return Run(verdict, usage.requests, usage.total_tokens, self._specialists.sent_back)

    async def _designed(self, given: FeatureRequest) -> Verdict:
        if questions := self._bench.questions(given):
            raise _Asked(questions)
        analysed = await self._ask("backend-architect", FeatureRequest, f"Analyse: {given.text}", _no_check)
        request = given.model_copy(update={"components": analysed.components})
        design = Design(request=request)
        design = await self._api(design, f"Design the API of: {request.text}")
        # Neither needs the other.
        db, auth = await asyncio.gather(
            self._db(design, _after(design, "Design the schema")),
            self._auth(design, _after(design, "Design the access")),
        )
        design = design.model_copy(update={"db": db.db, "auth": auth.auth})
        design = await self._plan(design, _after(design, "Name notes, tests and files"))
        return await self._settled(design)

    async def _settled(self, design: Design) -> Verdict:
        """Give those who can mend what is left one more round; what then remains is for the person."""
        verdict = await self._bench.verify(design)
        steps = {"api": self._api, "db": self._db, "auth": self._auth, "coordinator": self._plan}
        for owner, step in steps.items():
            if mine := [one for one in verdict.findings if one.owner == owner and one.severity == "error"]:
                design = await step(design, _after(design, f"Mend only this:\n{said(mine)}"))
                verdict = await self._bench.verify(design)
        errors = [one for one in verdict.findings if one.severity == "error"]
        if not errors:
            return verdict
        conflicts = [_conflict(one, design) for one in errors]
        return verdict.model_copy(update={"outcome": Outcome.NEEDS_DECISION, "conflicts": conflicts})

    async def _api(self, design: Design, prompt: str) -> Design:
        return await self._half(design, prompt, "api-designer", "api", ApiDesign)

    async def _db(self, design: Design, prompt: str) -> Design:
        return await self._half(design, prompt, "db-schema-manager", "db", SchemaDesign)

    async def _auth(self, design: Design, prompt: str) -> Design:
        return await self._half(design, prompt, "auth-specialist", "auth", AuthDesign)

    async def _half(
        self, design: Design, prompt: str, role: str, owner: str, wanted: type[BaseModel]
    ) -> Design:
        async def check(answer: BaseModel) -> list[Finding]:
            return await self._refused(design.model_copy(update={owner: answer}), owner)

        return design.model_copy(update={owner: await self._ask(role, wanted, prompt, check)})

    async def _plan(self, design: Design, prompt: str) -> Design:
        async def check(plan: Plan) -> list[Finding]:
            return await self._refused(design.model_copy(update=dict(plan)), "coordinator")

        return design.model_copy(update=dict(await self._ask("backend-architect", Plan, prompt, check)))

    async def _refused(self, design: Design, owner: str) -> list[Finding]:
        verdict = await self._bench.verify(design)
        return [one for one in verdict.findings if one.owner == owner and one.severity == "error"]

    async def _ask(
        self, role: str, wanted: type[Half], prompt: str, check: Callable[[Half], Awaitable[list[Finding]]]
    ) -> Half:
        answer = await self._specialists.ask(role, wanted, prompt, check)
        if isinstance(answer, Questions):
            raise _Asked(answer.questions)
        return answer


async def _no_check(_: FeatureRequest) -> list[Finding]:
    return []


def _after(design: Design, task: str) -> str:
    return f"{task}\n\nThe design so far:\n{design.model_dump_json(exclude_defaults=True)}"


def _conflict(finding: Finding, design: Design) -> Conflict:
    """Show what each side says about the place."""
    name = " ".join(finding.where.split()[:2])
    endpoint = design.endpoint(name)
    table = design.table(endpoint.table if endpoint else finding.where.partition(".")[0])
    sides = {
        "api": endpoint.model_dump_json(exclude_defaults=True) if endpoint else "",
        "db": table.model_dump_json(exclude_defaults=True) if table else "",
        "auth": "; ".join(rule.model_dump_json(exclude_defaults=True) for rule in design.access(name)),
    }
    return Conflict(
        rule=finding.rule,
        where=finding.where,
        detail=finding.detail,
        sides={side: text for side, text in sides.items() if text},
    )
