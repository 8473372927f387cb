"""What comes in and goes out: the file that holds a person's data, and how its import went."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import IO, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from todo.features.todos.models import Description, Priority, Title
from todo.features.todos.schemas import Instant, TodoRead
from todo.problems import UnreadableFile
from todo.transport.csv_text import csv_record, csv_records
from todo.transport.json_text import JsonText

FORMAT: Literal["todo-evolution"] = "todo-evolution"
FORMAT_VERSION: Literal[1] = 1
LOSSES_LISTED = 100
_WORDS_MAX = 100
# A version can still grow by a thousand million before its column is full.
_VERSION_MAX = 1_000_000_000
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER = timedelta(days=1)


class FileFormat(StrEnum):
    """How the file is written; `csv` holds the todos alone."""

    JSON = "json"
    CSV = "csv"


class ExportWanted(BaseModel):
    """Which file."""

    model_config = ConfigDict(extra="forbid")

    format: FileFormat = FileFormat.JSON


class Profile(BaseModel):
    """What the auth server knows of a person."""

    id: UUID
    name: str
    email: str
    created_at: Instant


class AccountExport(BaseModel):
    """All of a person's data."""

    format: Literal["todo-evolution"]
    version: Literal[1]
    exported_at: Instant
    account: Profile | None = Field(description="Null where sign-in is left to an outside issuer.")
    todos: list[TodoRead] = Field(description="Every todo, the trash included, ordered by id.")


class Loss(BaseModel):
    """Something that could not be taken over as it stood."""

    position: int = Field(description="Which todo of the file, from 1.")
    id: str | None = Field(description="Its id in the file.")
    field: str | None = Field(description="The field; null when it is the todo as a whole.")
    detail: str
    is_refused: bool = Field(description="Whether the todo was left out for it.")


class ImportReport(BaseModel):
    """How an import went; whatever is not in `losses` or `not_imported` was taken over unchanged."""

    added: int
    already_there: int = Field(description="Todos whose id you had; they stay as they are here.")
    refused: int = Field(description="Todos that break a rule; they are left out.")
    losses: list[Loss] = Field(description=f"The first {LOSSES_LISTED}.")
    losses_total: int
    not_imported: list[str] = Field(description="Members of the file that were left out, `account` included.")


def _timestamp(value: object) -> object:
    if value is not None and not (isinstance(value, str) and ":" in value):
        raise ValueError("must be a date and time, like 2026-11-24T08:15:30Z")
    return value


def _plausible(value: datetime) -> datetime:
    if value < _OLDEST:
        raise ValueError("must not be before 1970")
    if value > datetime.now(UTC) + _CLOCKS_DIFFER:
        raise ValueError("must not be in the future")
    return value


_Time = Annotated[AwareDatetime, AfterValidator(_plausible)] | None
_OptionalTime = Annotated[_Time, BeforeValidator(_timestamp)]


class TodoImport(BaseModel):
    """A todo as a file has it. What a hand-made file leaves out is filled in; null stands for left out."""

    id: Any = None
    title: Title
    description: Description | None = None
    priority: Priority = Priority.MEDIUM
    is_completed: bool | None = None
    completed_at: _OptionalTime = None
    created_at: _OptionalTime = None
    updated_at: _OptionalTime = None
    deleted_at: _OptionalTime = None
    version: int = Field(1, ge=1, le=_VERSION_MAX)

    @model_validator(mode="after")
    def _is_completed_or_not(self) -> Self:
        if self.is_completed is not None and self.is_completed != (self.completed_at is not None):
            raise ValueError("is_completed and completed_at contradict each other")
        return self

    def todo(self, todo_id: UUID, now: datetime) -> TodoRead:
        """Give the todo it is to be here."""
        created_at = self.created_at or now
        return TodoRead(
            id=todo_id,
            title=self.title,
            description=self.description,
            priority=self.priority,
            is_completed=self.completed_at is not None,
            completed_at=self.completed_at,
            created_at=created_at,
            updated_at=self.updated_at or created_at,
            deleted_at=self.deleted_at,
            version=self.version,
        )


@dataclass(frozen=True)
class Row:
    """One todo of a file, unchecked."""

    position: int
    values: dict[str, Any]
    defect: str | None = None


class ImportFile:
    """A file to import: its todos, once, and the names of what else it holds. Raises `UnreadableFile`."""

    def __init__(self, file: IO[bytes], media_type: str) -> None:
        self.not_imported: list[str] = []
        self._file = file
        self._read = self._csv_rows if media_type == "text/csv" else self._json_rows

    def rows(self) -> Iterator[Row]:
        """Give the todos as they stand there."""
        return self._read()

    def _json_rows(self) -> Iterator[Row]:
        text = JsonText(self._file)
        expected = {"format": FORMAT, "version": FORMAT_VERSION}
        missing = {*expected, "todos"}
        positions = itertools.count(1)
        for name in text.members():
            if name == "todos":
                for item in text.items():
                    yield _json_row(next(positions), item)
            elif (value := text.value()) is not None and name not in {*expected, "exported_at"}:
                self._leave_out(name)
            elif name in expected and json.dumps(value) != json.dumps(expected[name]):
                raise UnreadableFile(f"The file is no export this service can read: its {name} is another.")
            missing.discard(name)
        text.end()
        if missing:
            raise UnreadableFile(f"The file is no export: it has no {' and no '.join(sorted(missing))}.")

    def _csv_rows(self) -> Iterator[Row]:
        records = csv_records(self._file)
        names = [name or "" for name in next(records, None) or ()]
        if "title" not in names or len(set(names)) < len(names):
            raise UnreadableFile(
                "The file is no export: its first line must name the fields, `title` among them."
            )
        for position, fields in enumerate(records, start=1):
            if fields is None:
                yield Row(position, {}, "is no line of CSV")
            elif len(fields) != len(names):
                yield Row(position, {}, f"has {len(fields)} fields and not {len(names)}")
            else:
                pairs = zip(names, fields, strict=True)
                yield Row(position, {name: field for name, field in pairs if field is not None})

    def _leave_out(self, name: str) -> None:
        if len(self.not_imported) < LOSSES_LISTED:
            self.not_imported.append(shortened(name))


def _json_row(position: int, item: object) -> Row:
    if isinstance(item, dict):
        return Row(position, item)
    return Row(position, {}, "is no JSON object")


def shortened(text: str) -> str:
    """Give words of the file as a report can say them: not too many, and none that UTF-8 does not know."""
    said = text.encode("utf-8", "replace").decode()
    return said if len(said) <= _WORDS_MAX else said[:_WORDS_MAX] + "…"


@dataclass(frozen=True)
class ExportText:
    """How a file is written: what comes first, the todos, and what comes last."""

    media_type: str
    head: str
    todos: Callable[[Iterable[TodoRead]], str]
    tail: str


def export_text(wanted: FileFormat, profile: Profile | None, now: datetime) -> ExportText:
    """Give the parts of a file; `todos` may be called any number of times."""
    if wanted is FileFormat.CSV:
        return ExportText("text/csv; charset=utf-8; header=present", csv_record(_FIELDS), _csv_lines, "")
    document = AccountExport(
        format=FORMAT, version=FORMAT_VERSION, exported_at=now, account=profile, todos=[]
    )
    return ExportText(
        "application/json", document.model_dump_json().removesuffix("]}"), _JsonLines(), "\n]}\n"
    )


class _JsonLines:
    """Writes each todo on a line of its own, so that two exports can be compared line by line."""

    def __init__(self) -> None:
        self._separator = "\n"

    def __call__(self, todos: Iterable[TodoRead]) -> str:
        lines = self._separator + ",\n".join(todo.model_dump_json() for todo in todos)
        self._separator = ",\n"
        return lines


_FIELDS = list(TodoRead.model_fields)


def _csv_lines(todos: Iterable[TodoRead]) -> str:
    rows = (todo.model_dump(mode="json") for todo in todos)
    return "".join(csv_record([_csv_field(row[name]) for name in _FIELDS]) for row in rows)


def _csv_field(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


class Whoami(BaseModel):
    """Who is signed in through what, and what that may do."""

    person: UUID
    client: str
    client_name: str | None
    scopes: list[str]
    writes_per_hour: int | None = Field(description="Todos that may be changed in an hour; null: any number.")
    writes_left: int | None
