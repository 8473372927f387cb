"""What comes in and goes out: the JSON of todos."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from todo.features.todos.models import ChangeKind, Description, PlainText, Priority, Reason, Title

PAGE_LIMIT_DEFAULT = 20
PAGE_LIMIT_MAX = 100
OFFSET_MAX = 1_000_000
CURSOR_MAX_LENGTH = 2_048
BATCH_MAX = 100
CHANGES_LIMIT_DEFAULT = 100
CHANGES_LIMIT_MAX = 1_000


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(_rfc3339, when_used="json"),
    # Of a serializer it is only known that it gives a string.
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _no_text(value: object) -> object:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004  # what makes it a refusal
    return value


# For whole numbers. They are not strict, because to JSON 1.0 is one too, and so the document says.
NO_TEXT = BeforeValidator(_no_text)

_EXAMPLE: JsonDict = {"title": "Water the plants", "description": "The fern twice", "priority": "high"}
_EXAMPLE_READ: JsonDict = {
    "id": "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21",
    **_EXAMPLE,
    "is_completed": False,
    "completed_at": None,
    "created_at": "2026-11-23T08:15:30.123456Z",
    "updated_at": "2026-11-23T08:15:30.123456Z",
    "deleted_at": None,
    "version": 1,
}


class TodoCreate(BaseModel):
    """A new todo."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    description: Description | None = None
    priority: Priority = Priority.MEDIUM


class TodoUpdate(BaseModel):
    """The fields to change; those left out stay as they are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"priority": "urgent"}]})

    # Factories, because a default would tell readers of the schema that leaving out is setting.
    title: Title = Field(default_factory=str)
    description: Description | None = Field(default_factory=lambda: None, description="Null clears it.")
    priority: Priority = Field(default_factory=lambda: Priority.MEDIUM)
    is_completed: StrictBool = Field(default_factory=bool)

    def changes(self) -> dict[str, Any]:
        """Give the fields the caller named, with their new values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class TodoRead(BaseModel):
    """A todo as it is now."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE_READ]})

    id: UUID
    title: str
    description: str | None
    priority: Priority
    is_completed: bool
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None
    version: int = Field(description="Grows by one with each change; the ETag is this number in quotes.")


class TodoFields(BaseModel):
    """Some fields of a todo as they were at a time; those left out are not meant."""

    model_config = ConfigDict(from_attributes=True)

    # Factories, because a default would tell readers of the schema that leaving out is setting.
    title: str = Field(default_factory=str)
    description: str | None = Field(default_factory=lambda: None)
    priority: Priority = Field(default_factory=lambda: Priority.MEDIUM)
    completed_at: Instant | None = Field(default_factory=lambda: None)
    deleted_at: Instant | None = Field(default_factory=lambda: None)

    def meant(self) -> dict[str, Any]:
        """Give the fields that are meant, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def unlike(self, todo: object) -> "TodoFields":
        """Give those of the fields that a todo has otherwise."""
        return TodoFields(
            **{name: value for name, value in self.meant().items() if value != getattr(todo, name)}
        )


class TodoStatus(StrEnum):
    """Which todos a list shows; `all` is everything outside the trash, `deleted` is the trash."""

    ALL = "all"
    ACTIVE = "active"
    COMPLETED = "completed"
    DELETED = "deleted"


class TodoSort(StrEnum):
    """The order of a list; a leading `-` turns it round. Equal values go by id."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"
    PRIORITY = "priority"
    PRIORITY_DESC = "-priority"
    TITLE = "title"
    TITLE_DESC = "-title"


class TodoFilter(BaseModel):
    """Which todos, in which order, and which page of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: TodoStatus = TodoStatus.ALL
    priority: tuple[Priority, ...] = Field((), max_length=4, description="Repeat it to allow several.")
    q: PlainText = Field("", max_length=200, description="Words; each begins one of title or description.")
    sort: TodoSort = TodoSort.CREATED_AT_DESC
    limit: int = Field(PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX)
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] | SkipJsonSchema[None] = Field(
        None, description="Skip so many; not together with `cursor`."
    )
    cursor: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`next_cursor` of the page before, with the same filters and sort.",
    )

    @field_validator("priority")
    @classmethod
    def _each_once(cls, value: tuple[Priority, ...]) -> tuple[Priority, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _one_way_to_page(self) -> Self:
        if self.offset is not None and self.cursor is not None:
            raise ValueError("offset and cursor exclude each other")
        return self

    @functools.cached_property
    def question(self) -> str:
        """Name what a cursor belongs to: going on is only possible with the same filters and sort."""
        return self.model_dump_json(include={"status", "priority", "q", "sort"})


class PageInfo(BaseModel):
    """Where this page lies, and how to get the next."""

    limit: int
    offset: int | None = Field(description="Null on a page reached by cursor.")
    next_cursor: str | None = Field(description="Null on the last page.")
    has_more: bool


class TodoPage(BaseModel):
    """One page of todos, and how many match in all."""

    items: list[TodoRead]
    total: int
    page: PageInfo


@dataclass(frozen=True)
class TodoDocument:
    """A todo as the JSON it is sent as: what `TodoRead` would write."""

    id: UUID
    body: str
    version: int

    @classmethod
    def of(cls, todo: TodoRead) -> Self:
        """Write one down."""
        return cls(todo.id, todo.model_dump_json(), todo.version)

    def read(self) -> TodoRead:
        """Give what it says."""
        return TodoRead.model_validate_json(self.body)


@dataclass(frozen=True)
class TodoPageDocument:
    """A page as the JSON it is sent as: what `TodoPage` would write."""

    body: bytes

    @classmethod
    def of(cls, todos: bytes, total: int, wanted: TodoFilter, next_cursor: str | None) -> Self:
        """Put it together from the documents of its todos, which have commas between."""
        offset = "null" if wanted.cursor else wanted.offset or 0
        # Nothing of a cursor has to be escaped.
        following = "null" if next_cursor is None else f'"{next_cursor}"'
        has_more = "false" if next_cursor is None else "true"
        page = f'"limit":{wanted.limit},"offset":{offset},"next_cursor":{following},"has_more":{has_more}'
        return cls(b'{"items":[%b],"total":%d,"page":{%b}}' % (todos, total, page.encode()))

    def read(self) -> TodoPage:
        """Give what it says."""
        return TodoPage.model_validate_json(self.body)


class OneTodo(BaseModel):
    """Which todo."""

    model_config = ConfigDict(extra="forbid")

    todo_id: UUID


class Stated(BaseModel):
    """What an agent can say with every change."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | SkipJsonSchema[None] = Field(None, description="Why; the person can read it.")


class Tryable(Stated):
    """What an agent can say with a change that it may want to see first."""

    dry_run: StrictBool = Field(False, description="Change nothing, show what would change.")
    apply: str | SkipJsonSchema[None] = Field(None, max_length=64, description="`plan` of a dry run.")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.dry_run and self.apply is not None:
            raise ValueError("dry_run and apply exclude each other")
        return self


class ManyTodos(Stated):
    """Which todos, all or none of them."""

    todo_ids: list[UUID] = Field(min_length=1, max_length=BATCH_MAX)

    @field_validator("todo_ids")
    @classmethod
    def _each_once(cls, value: list[UUID]) -> list[UUID]:
        return list(dict.fromkeys(value))


class TodosToDelete(ManyTodos, Tryable):
    """Which todos to delete, all or none of them."""


class NewTodos(Stated):
    """What to add, all or none of it."""

    todos: list[TodoCreate] = Field(min_length=1, max_length=BATCH_MAX)


class TodoEdit(TodoUpdate):
    """A todo, and the fields to change in it; those left out stay as they are."""

    id: UUID

    def changes(self) -> dict[str, Any]:
        """Give the fields the caller named, with their new values."""
        return {name: value for name, value in super().changes().items() if name != "id"}


class TodoEdits(Tryable):
    """What to change, all or none of it."""

    todos: list[TodoEdit] = Field(min_length=1, max_length=BATCH_MAX)


class ChangedTodos(BaseModel):
    """The todos that were asked for, as they are now, and what their change is named by, if there was one."""

    todos: list[TodoRead]
    action: int | None


class PlannedTodos(ChangedTodos):
    """The todos that were asked for, as they are now; or of a dry run, as they would be and as they are."""

    before: list[TodoRead] | None = None
    plan: str | None = None


class ChangesWanted(BaseModel):
    """From where on, and how many."""

    model_config = ConfigDict(extra="forbid")

    since: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`next` of the answer before. Left out, no changes are given, only the token of now.",
    )
    limit: int = Field(CHANGES_LIMIT_DEFAULT, ge=1, le=CHANGES_LIMIT_MAX)


class EventsWanted(BaseModel):
    """From where on."""

    model_config = ConfigDict(extra="forbid")

    since: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`id` of an event, or `next` of the change feed. Left out, the stream starts now.",
    )


class TodoChangeRead(BaseModel):
    """One change, and the todo as it was then."""

    model_config = ConfigDict(from_attributes=True)

    kind: ChangeKind
    id: UUID = Field(description="The todo's id.")
    todo: TodoRead | None = Field(description="Null when it was purged from the trash.")
    at: Instant


class TodoChanges(BaseModel):
    """Changes in the order they were made."""

    changes: list[TodoChangeRead]
    next: str = Field(description="Ask with it as `since` for what comes after.")
    has_more: bool


TempId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class CreateOperation(BaseModel):
    """Add a todo; later operations of the batch may name it by `temp_id`."""

    model_config = ConfigDict(extra="forbid")

    op: Literal["create"]
    temp_id: TempId | SkipJsonSchema[None] = None
    todo: TodoCreate


class _NamesTodo(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"oneOf": [{"required": ["id"]}, {"required": ["temp_id"]}]}
    )

    id: UUID | SkipJsonSchema[None] = None
    temp_id: TempId | SkipJsonSchema[None] = Field(
        None, description="Instead of `id`: one made in this batch."
    )
    version: Annotated[int, Field(ge=1), NO_TEXT] | SkipJsonSchema[None] = Field(
        None, description="Act only on this version."
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.id is None) == (self.temp_id is None):
            raise ValueError("name the todo by id or by temp_id")
        return self


class UpdateOperation(_NamesTodo):
    """Change the named fields of a todo."""

    op: Literal["update"]
    changes: TodoUpdate


class ActOperation(_NamesTodo):
    """Complete, reopen, delete or restore a todo."""

    op: Literal["complete", "reopen", "delete", "restore"]


Operation = Annotated[CreateOperation | UpdateOperation | ActOperation, Field(discriminator="op")]


class TodoBatch(BaseModel):
    """Operations done one after the other, all or nothing unless `atomic` is false."""

    model_config = ConfigDict(extra="forbid")

    operations: list[Operation] = Field(min_length=1, max_length=BATCH_MAX)
    atomic: StrictBool = True

    @model_validator(mode="after")
    def _temp_ids_are_made_first(self) -> Self:
        made: set[str] = set()
        for number, operation in enumerate(self.operations):
            if isinstance(operation, CreateOperation):
                if operation.temp_id in made:
                    raise ValueError(f"operation {number} makes a temp_id that was made before")
                if operation.temp_id is not None:
                    made.add(operation.temp_id)
            elif operation.temp_id is not None and operation.temp_id not in made:
                raise ValueError(f"operation {number} names a temp_id that no operation before it makes")
        return self


class OperationProblem(BaseModel):
    """Why an operation was refused; as a single call would say it."""

    model_config = ConfigDict(from_attributes=True)

    error_code: str
    title: str
    detail: str


class OperationResult(BaseModel):
    """How one operation went."""

    status: int = Field(description="What a single call would have answered.")
    temp_id: str | None
    todo: TodoRead | None = None
    problem: OperationProblem | None = None


class TodoBatchResult(BaseModel):
    """How each operation went, in their order."""

    results: list[OperationResult]


@dataclass(frozen=True)
class TodoBatchDocument:
    """How a batch went that did nothing but add, as the JSON it is sent as."""

    body: str

    @classmethod
    def of(cls, additions: Sequence[CreateOperation], todos: Sequence[str]) -> Self:
        """Put it together from the documents of what was added."""
        results = (
            f'{{"status":201,"temp_id":{_temp_id(addition)},"todo":{todo},"problem":null}}'
            for addition, todo in zip(additions, todos, strict=True)
        )
        return cls(f'{{"results":[{",".join(results)}]}}')


def _temp_id(addition: CreateOperation) -> str:
    return "null" if addition.temp_id is None else f'"{addition.temp_id}"'
