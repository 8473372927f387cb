"""Looking something up: one statement, which is a transaction of its own, in one message there and back."""

import functools
from typing import Any

from todo.database.standing import Standing
from todo.database.statements import Statement

# Who asks is settled first: the join has nothing to begin with but that row. Were it not so, row-level
# security would show nothing at all.
_LOOK = """\
WITH me AS MATERIALIZED (SELECT set_config('app.user_id', ${me}, true)),
     standing AS MATERIALIZED (SELECT {lasts} AS lasts FROM me)
SELECT standing.lasts, answer.* FROM standing LEFT JOIN LATERAL ({asked}) AS answer ON standing.lasts
"""


def look(
    statement: Statement, values: dict[str, Any], user_id: str, standing: Standing | None
) -> tuple[str, list[Any]]:
    """Give SQL and arguments of a statement that also says who asks.

    Its `lasts` is whether what the person's token rests on has not ended; else it finds nothing.
    """
    question, known = (None, ()) if standing is None else (standing.question, standing.values)
    return _sql(statement, question, len(known)), [*statement.arguments(values), user_id, *known]


@functools.lru_cache(maxsize=1_024)
def _sql(statement: Statement, question: str | None, known: int) -> str:
    me = statement.parameter_count + 1
    lasts = "true"
    if question is not None:
        lasts = f"EXISTS ({question.format(*(f'${me + number}' for number in range(1, known + 1)))})"
    return _LOOK.format(me=me, lasts=lasts, asked=statement.sql)
