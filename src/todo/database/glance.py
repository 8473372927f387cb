"""One statement that is a transaction of its own: it also says who asks, so it takes one message."""

import functools
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, column, table

from todo.database.standing import Standing
from todo.database.statements import Statement

# Who asks is settled first: what is asked has nothing to begin with but that row. Were it not so, row-level
# security would show nothing at all.
_WHO = """\
WITH me AS MATERIALIZED (SELECT set_config('app.user_id', ${me}::uuid::text, true)),
     standing AS MATERIALIZED (SELECT {lasts} AS lasts FROM me)"""
_LOOK = (
    "SELECT standing.lasts, answer.* FROM standing LEFT JOIN LATERAL ({asked}) AS answer ON standing.lasts"
)
_WITH = "WITH "

# For a statement that writes to begin with, and to end with: what it writes it joins to this row as well.
STANDING = table("standing", column("lasts", Boolean))


def look(
    statement: Statement, values: dict[str, Any], user_id: UUID, standing: Standing | None
) -> tuple[str, list[Any]]:
    """Give SQL and arguments of a statement that also says who asks.

    Its `lasts` is whether what the person's token rests on has not ended; else it finds nothing.
    """
    question, known = (None, ()) if standing is None else (standing.question, standing.values)
    return _looking(statement, question, len(known)), [*statement.arguments(values), user_id, *known]


def strike(
    statement: Statement, values: dict[str, Any], user_id: UUID, standing: Standing | None
) -> tuple[str, list[Any]]:
    """Give SQL and arguments of a statement that writes, and also says who asks.

    It begins from `STANDING`, where it finds whether what the person's token rests on has not ended.
    """
    question, known = (None, ()) if standing is None else (standing.question, standing.values)
    return _striking(statement, question, len(known)), [*statement.arguments(values), user_id, *known]


@functools.lru_cache(maxsize=1_024)
def _looking(statement: Statement, question: str | None, known: int) -> str:
    return f"{_who(statement, question, known)}\n{_LOOK.format(asked=statement.sql)}"


@functools.lru_cache(maxsize=1_024)
def _striking(statement: Statement, question: str | None, known: int) -> str:
    return f"{_who(statement, question, known)},\n{statement.sql.removeprefix(_WITH)}"


def _who(statement: Statement, question: str | None, known: int) -> str:
    me = statement.parameter_count + 1
    lasts = "true"
    if question is not None:
        lasts = f"EXISTS ({question.format(*(f'${me + number}' for number in range(1, known + 1)))})"
    return _WHO.format(me=me, lasts=lasts)
