"""Turns what was said to the database into pgbench's language: the same statements, of many people."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from benchmarks.recording import FRESH, Step
from benchmarks.requests import Job

# One draw of people and todos is used so often. It costs some 40 µs, but each repetition is a statement of
# its own, to be planned on each connection: reads are quick, and writes are long to plan.
REPEATED = {Job.GET: 10, Job.LIST: 10, Job.CREATE: 4, Job.UPDATE: 4, Job.COMPLETE: 4}
ARGUMENTS = "bench.arguments"
_PARAMETER = re.compile(r"\$(\d+)")
_SET_USER = re.compile(r"SET LOCAL app\.user_id = '([0-9a-f-]{36})'")
_ID = re.compile(r"[0-9a-f-]{36}")
_LITERAL_ID = re.compile(r"E?'([0-9a-f-]{36})'")
_TAKEN_FOR_VARIABLES = re.compile(r"(?<!:):[A-Za-z0-9_]+")


class Script:
    """A pgbench script that does a recorded job so many times; `known` names the ids that vary.

    Of several recorded turns each has its turn, on the same ids.
    """

    def __init__(self, turns: list[list[Step]], known: dict[UUID, str], repeated: int) -> None:
        self._repeated = repeated
        self._turns = turns
        self._steps = turns[0]
        self._known = known

    @property
    def text(self) -> str:
        """Give it."""
        drawn = ", ".join(f"{name}{turn}" for turn in range(self._repeated) for name in self._known.values())
        lines = [
            "\\set n random(1, :arguments)",
            f"SELECT {drawn} FROM {ARGUMENTS} WHERE n = :n \\gset",  # noqa: S608  # our own
        ]
        for turn in range(self._repeated):
            place = turn % len(self._turns)
            self._steps = self._turns[place]
            lines += self._job(turn - place)
        return "\n".join(lines) + "\n"

    def _job(self, turn: int) -> Iterator[str]:
        is_open = False
        for number, step in enumerate(self._steps):
            used = self._used_later(number)
            # A result that is needed has to be waited for; the rest goes out in one message.
            if used and is_open:
                yield "\\endpipeline"
                is_open = False
            elif not used and not is_open:
                yield "\\startpipeline"
                is_open = True
            sql = self._spoken(step, number, turn)
            yield f"{sql} \\gset r{number}_" if used else f"{sql};"
        if is_open:
            yield "\\endpipeline"

    def _used_later(self, number: int) -> bool:
        return any(
            self._source(later, value) == number
            for later, step in enumerate(self._steps[number + 1 :], start=number + 1)
            for value in step.arguments
        )

    def _source(self, number: int, value: Any) -> int | None:
        """Give the earlier step whose row had this value, if it is one that differs from row to row."""
        for earlier in range(number - 1, -1, -1):
            if self._column(earlier, value):
                return earlier
        return None

    def _column(self, number: int, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, datetime | int):
            return None
        for name, found in self._steps[number].row.items():
            is_telling = isinstance(found, datetime) or name in {"seq", "change_seq"}
            if is_telling and found == value and type(found) is type(value):
                return name
        return None

    def _spoken(self, step: Step, number: int, turn: int) -> str:
        # SET takes no parameter, so pgbench could not say it prepared; to the server both are the same.
        sql = _SET_USER.sub(r"SELECT set_config('app.user_id', '\1', true)", step.sql)
        sql = _LITERAL_ID.sub(lambda match: self._variable(UUID(match[1]), turn) or match[0], sql)
        if strange := set(_TAKEN_FOR_VARIABLES.findall(sql)) - self._names(turn):
            raise ValueError(f"pgbench would take {strange} for variables of its own")
        sql = _PARAMETER.sub(
            lambda match: self._argument(step.arguments[int(match[1]) - 1], number, turn), sql
        )
        return " ".join(sql.split())

    def _argument(self, value: Any, number: int, turn: int) -> str:
        if isinstance(value, UUID):
            # A new id is made anew each time.
            return self._variable(value, turn) or "uuidv7()"
        if isinstance(value, str) and _ID.fullmatch(value):
            return self._variable(UUID(value), turn) or _literal(value)
        if value == FRESH:
            return "random()::text"
        source = self._source(number, value)
        if source is not None:
            return f":r{source}_{self._column(source, value)}"
        return _literal(value)

    def _variable(self, value: UUID, turn: int) -> str | None:
        name = self._known.get(value)
        return None if name is None else f":{name}{turn}"

    def _names(self, turn: int) -> set[str]:
        return {f":{name}{turn}" for name in self._known.values()}


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "'{" + ",".join(json.dumps(str(item)) for item in value) + "}'"
    return "'" + str(value).replace("'", "''") + "'"
