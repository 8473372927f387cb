"""What comes in and goes out: the JSON of todos."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from todo.features.todos.models import ChangeKind, Description, PlainText, Priority, Title

PAGE_LIMIT_DEFAULT = 20
PAGE_LIMIT_MAX = 100
OFFSET_MAX = 1_000_000
CURSOR_MAX_LENGTH = 2_048
CHANGES_LIMIT_DEFAULT = 100
CHANGES_LIMIT_MAX = 1_000


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(_rfc3339, when_used="json")]

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

    model_config = ConfigDict(extra="forbid")

    status: TodoStatus = TodoStatus.ALL
    priority: list[Priority] = Field([], max_length=4, description="Repeat it to allow several.")
    q: PlainText = Field("", max_length=200, description="Part of the title or description, in any case.")
    sort: TodoSort = TodoSort.CREATED_AT_DESC
    limit: int = Field(PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX)
    offset: int | SkipJsonSchema[None] = Field(
        None, ge=0, le=OFFSET_MAX, description="Skip so many; not together with `cursor`."
    )
    cursor: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`next_cursor` of the page before, with the same filters and sort.",
    )

    @field_validator("priority")
    @classmethod
    def _each_once(cls, value: list[Priority]) -> list[Priority]:
        return sorted(set(value))

    @model_validator(mode="after")
    def _one_way_to_page(self) -> Self:
        if self.offset is not None and self.cursor is not None:
            raise ValueError("offset and cursor exclude each other")
        return self


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


class ChangesWanted(BaseModel):
    """From where on, and how many."""

    model_config = ConfigDict(extra="forbid")

    since: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`next` of the answer before. Left out, no changes are given, only the token of now.",
    )
    limit: int = Field(CHANGES_LIMIT_DEFAULT, ge=1, le=CHANGES_LIMIT_MAX)


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
