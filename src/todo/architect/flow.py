"""From a request to a verdict: who is asked when, what goes back, and what goes to the person."""

import asyncio
from typing import Any

from pydantic import BaseModel

from todo.architect.bench import Bench
from todo.architect.design import ApiDesign, AuthDesign, Design, FeatureRequest, Proofs, SchemaDesign
from todo.architect.specialists import Asked, Specialists, Stopped
from todo.architect.verdict import Conflict, Finding, Outcome, Owner, Verdict, unverified


class Plan(BaseModel):
    """What the coordinator adds: notes for who builds it, its tests, and the files it touches."""

    notes: list[str]
    tests: list[Proofs]
    files: list[str]


# Who answers for which findings, and with what; in this order they mend what is left.
_HALVES: dict[Owner, tuple[str, type[BaseModel]]] = {
    "api": ("api-designer", ApiDesign),
    "db": ("db-schema-manager", SchemaDesign),
    "auth": ("auth-specialist", AuthDesign),
    "coordinator": ("backend-architect", Plan),
}


class Flow:
    """Designs one feature."""

    def __init__(self, bench: Bench, specialists: Specialists) -> None:
        self._bench = bench
        self._specialists = specialists

    async def design(self, request: FeatureRequest) -> Verdict:
        """Go the whole way; stop where only a person can go on."""
        try:
            return await self._designed(request)
        except Asked as asked:
            return Verdict(outcome=Outcome.NEEDS_DECISION, questions=asked.questions)
        except Stopped as error:
            return unverified(str(error))

    async def _designed(self, given: FeatureRequest) -> Verdict:
        if questions := self._bench.questions(given):
            raise Asked(questions)
        task = f"Analyse: {given.text}"
        analysed = await self._specialists.ask("backend-architect", FeatureRequest, task)
        design = Design(request=given.model_copy(update={"components": analysed.components}))
        design = await self._half(design, "api", f"Design the API of: {given.text}")
        # Neither needs the other.
        db, auth = await asyncio.gather(
            self._half(design, "db", "Design the schema"), self._half(design, "auth", "Design the access")
        )
        design = design.model_copy(update={"db": db.db, "auth": auth.auth})
        return await self._settled(await self._half(design, "coordinator", "Name notes, tests and files"))

    async def _settled(self, design: Design) -> Verdict:
        """Give those who can mend what is left one more round; what then remains is for the person."""
        verdict = await self._bench.verify(design)
        for owner in _HALVES:
            if mine := verdict.errors(owner):
                design = await self._half(design, owner, "Mend only this:\n" + "\n".join(map(str, mine)))
                verdict = await self._bench.verify(design)
        if errors := verdict.errors():
            conflicts = [_conflict(one, design) for one in errors]
            return verdict.model_copy(update={"outcome": Outcome.NEEDS_DECISION, "conflicts": conflicts})
        return verdict

    async def _half(self, design: Design, owner: Owner, task: str) -> Design:
        """Have one part of a design made; what its maker answers for is judged with all the rest."""
        role, wanted = _HALVES[owner]

        def with_it(answer: BaseModel) -> Design:
            return design.model_copy(update=dict(answer) if isinstance(answer, Plan) else {owner: answer})

        async def check(answer: BaseModel) -> list[Finding]:
            return (await self._bench.verify(with_it(answer))).errors(owner)

        prompt = f"{task}\n\nThe design so far:\n{design.model_dump_json(exclude_defaults=True)}"
        return with_it(await self._specialists.ask(role, wanted, prompt, check))


def _conflict(finding: Finding, design: Design) -> Conflict:
    """Show what each side says about the place."""
    endpoint = design.endpoint(" ".join(finding.where.split()[:2]))
    name = endpoint.name if endpoint else finding.where
    table = endpoint.table if endpoint else name
    changes = [change for change in design.db.changes if change.table == table]
    sides: dict[str, list[Any]] = {"api": [endpoint], "db": changes, "auth": design.access(name)}
    said = {
        side: "; ".join(one.model_dump_json(exclude_defaults=True) for one in some if one)
        for side, some in sides.items()
        if any(some)
    }
    return Conflict(rule=finding.rule, where=finding.where, detail=finding.detail, sides=said)
