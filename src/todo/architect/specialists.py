"""The model behind a plug: one agent for each role, each sent back by the rules it answers for.

The only module that knows pydantic-ai; it is loaded when a model is named.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    AgentRunError,
    ModelRetry,
    RunContext,
    RunUsage,
    UsageLimitExceeded,
    UsageLimits,
    UserError,
)
from pydantic_ai.models import Model

from todo.architect.brief import instructions_of
from todo.architect.verdict import Clarification, Finding

Half = TypeVar("Half", bound=BaseModel)
Check = Callable[[Half], Awaitable[list[Finding]]]
_SENT_BACK_AT_MOST = 2


class Questions(BaseModel):
    """What has to be known first, and only a person can say."""

    questions: list[Clarification]


class Asked(Exception):
    """Somebody has questions."""

    def __init__(self, questions: list[Clarification]) -> None:
        super().__init__(f"{len(questions)} questions")
        self.questions = questions


class Stopped(Exception):
    """The model was called as often as it may be, or cannot be asked at all."""


class Specialists:
    """Asks the model in a role, with the facts, and within a budget of calls for the whole design."""

    def __init__(self, model: Model | str, facts: str, budget: int = 24) -> None:
        self._model = model
        self._facts = facts
        self._limits = UsageLimits(request_limit=budget)
        self.usage = RunUsage()
        self.sent_back: list[tuple[str, list[Finding]]] = []

    async def ask(self, role: str, wanted: type[Half], prompt: str, check: Check[Half] | None = None) -> Half:
        """Give an answer of the wanted form; what the rules refuse is sent back twice.

        Raises `Asked` and `Stopped`.
        """

        async def judged(context: RunContext[None], answer: Half | Questions) -> Half | Questions:
            findings = [] if check is None or isinstance(answer, Questions) else await check(answer)
            if findings:
                self.sent_back.append((role, findings))
                if context.retry < _SENT_BACK_AT_MOST:
                    raise ModelRetry("\n".join(map(str, findings)))
            return answer

        try:
            agent: Agent[None, Half | Questions] = Agent(
                self._model,
                name=role,
                output_type=[wanted, Questions],
                instructions=[instructions_of(role), self._facts],
                deps_type=type(None),
                retries=_SENT_BACK_AT_MOST,
            )
            agent.output_validator(judged)
            answer = (await agent.run(prompt, usage=self.usage, usage_limits=self._limits)).output
        except UsageLimitExceeded as error:
            raise Stopped(f"The model was called {self.usage.requests} times: {error}") from error
        except (AgentRunError, UserError, ImportError) as error:
            raise Stopped(f"The model cannot be asked: {error}") from error
        if isinstance(answer, Questions):
            raise Asked(answer.questions)
        return answer
