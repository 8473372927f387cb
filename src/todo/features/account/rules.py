"""What may be done with an account and what becomes of a file that is imported, without a database."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import ValidationError

from todo.auth.user import Caller
from todo.features.account.schemas import (
    LOSSES_LISTED,
    ImportFile,
    ImportReport,
    Loss,
    Row,
    TodoImport,
    shortened,
)
from todo.features.todos.rules import Fate
from todo.features.todos.schemas import TodoRead
from todo.problems import Unauthenticated, UnreadableFile

SIGN_IN_MAX_AGE = timedelta(minutes=10)
_LEEWAY = timedelta(seconds=30)
_TODOS_MAX = 500_000
_UUID_VERSION = 7
_LEFT_OUT = {
    Fate.REPEATED: ("id", "the file has another todo of this id before it"),
    Fate.BEYOND_QUOTA: (None, "you have as many todos as a person may have; those in the trash count"),
}


class ReauthenticationRequired(Unauthenticated):
    """Sign in again, then ask with an access token of the new session."""

    title = "Reauthentication required"
    error_code = "reauthentication_required"

    def __init__(self) -> None:
        super().__init__()
        # RFC 9470, section 3.
        self.headers["WWW-Authenticate"] = (
            'Bearer error="insufficient_user_authentication", '
            'error_description="A more recent sign-in is required", '
            f'max_age="{SIGN_IN_MAX_AGE.seconds}"'
        )


def require_recent_sign_in(caller: Caller, now: datetime) -> None:
    """Raise `ReauthenticationRequired` unless the caller has just proved who they are."""
    earliest, latest = now - SIGN_IN_MAX_AGE - _LEEWAY, now + _LEEWAY
    at = caller.authenticated_at
    # Compared and not subtracted: an issuer's number may be of any size.
    if at is None or not earliest.timestamp() <= at <= latest.timestamp():
        raise ReauthenticationRequired


class Import:
    """A file being imported: what became of its todos so far, and what was lost."""

    def __init__(self, owner_id: UUID, file: ImportFile, now: datetime) -> None:
        self._owner_id = owner_id
        self._file = file
        self._rows = file.rows()
        self._now = now
        self._accepted: list[Row] = []
        self._fates: Counter[Fate] = Counter()
        self._refused = 0
        self._losses: list[Loss] = []
        self._losses_total = 0
        self._unknown: set[str] = set()

    def read(self, at_most: int) -> list[Row]:
        """Read some more of the file; nothing at its end."""
        rows = list(itertools.islice(self._rows, at_most))
        if rows and rows[-1].position > _TODOS_MAX:
            raise UnreadableFile(f"The file has more than {_TODOS_MAX} todos: divide it.")
        return rows

    def accept(self, rows: Iterable[Row]) -> list[TodoRead]:
        """Give the todos among the rows that break no rule; `settle` what became of them before the next."""
        pairs = [(row, todo) for row in rows if (todo := self._checked(row)) is not None]
        self._accepted = [row for row, _ in pairs]
        return [todo for _, todo in pairs]

    def settle(self, fates: Iterable[Fate]) -> None:
        """Take note of what became of the todos accepted last."""
        for row, fate in zip(self._accepted, fates, strict=True):
            if fate in _LEFT_OUT:
                self._refuse(row, *_LEFT_OUT[fate])
            else:
                self._fates[fate] += 1

    def report(self) -> ImportReport:
        """Give what is to be said at the end."""
        return ImportReport(
            added=self._fates[Fate.ADDED],
            already_there=self._fates[Fate.ALREADY_THERE],
            refused=self._refused,
            losses=self._losses,
            losses_total=self._losses_total,
            not_imported=self._file.not_imported,
        )

    def _checked(self, row: Row) -> TodoRead | None:
        if row.defect is not None:
            self._refuse(row, None, row.defect)
            return None
        try:
            given = TodoImport.model_validate(row.values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = str(first["loc"][0]) if first["loc"] else None
            self._refuse(row, field, first["msg"].removeprefix("Value error, "))
            return None
        for name in sorted(row.values.keys() - TodoImport.model_fields.keys() - self._unknown):
            self._leave_out(row, name)
        return given.todo(self._id_of(row, given), self._now)

    def _id_of(self, row: Row, given: TodoImport) -> UUID:
        todo_id = todo_id_of(given.id)
        if todo_id is not None:
            return todo_id
        if given.id is not None:
            self._lose(row, "id", "is no UUIDv7: the todo has a new id here")
        name = f"{row.position} {json.dumps(row.values)}" if given.id is None else str(given.id)
        return id_in_place_of(name, self._owner_id, given.created_at or datetime.fromtimestamp(0, UTC))

    def _leave_out(self, row: Row, name: str) -> None:
        # Said once: of a field that all have, one loss tells as much as a hundred thousand.
        if len(self._unknown) < LOSSES_LISTED:
            self._unknown.add(name)
            self._lose(row, name, "is no field of a todo: left out, here and wherever it occurs")

    def _refuse(self, row: Row, field: str | None, detail: str) -> None:
        self._refused += 1
        self._lose(row, field, detail, is_refused=True)

    def _lose(self, row: Row, field: str | None, detail: str, *, is_refused: bool = False) -> None:
        self._losses_total += 1
        if len(self._losses) < LOSSES_LISTED:
            todo_id = row.values.get("id")
            self._losses.append(
                Loss(
                    position=row.position,
                    id=None if todo_id is None else shortened(str(todo_id)),
                    field=None if field is None else shortened(field),
                    detail=detail,
                    is_refused=is_refused,
                )
            )


def todo_id_of(text: object) -> UUID | None:
    """Give the id this says, if it is one a todo can have: a UUIDv7, as ours are."""
    try:
        todo_id = UUID(str(text))
    except ValueError:
        return None
    return todo_id if todo_id.version == _UUID_VERSION else None


def id_in_place_of(name: str, owner_id: UUID, created_at: datetime) -> UUID:
    """Give the id of a todo that had another name elsewhere: a UUIDv7, and each time the same."""
    milliseconds = int(created_at.timestamp() * 1000)
    chance = hashlib.sha256(owner_id.bytes + name.encode("utf-8", "surrogatepass")).digest()
    number = milliseconds << 80 | int.from_bytes(chance[:10])
    number = number & ~(0xF << 76) | _UUID_VERSION << 76
    return UUID(int=number & ~(0x3 << 62) | 2 << 62)
