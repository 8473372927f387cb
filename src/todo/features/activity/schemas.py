"""What comes in and goes out: who changed what, and what an undo made of it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from todo.features.todos.models import ChangeKind, PlainText
from todo.features.todos.schemas import (
    CURSOR_MAX_LENGTH,
    NO_TEXT,
    PAGE_LIMIT_DEFAULT,
    PAGE_LIMIT_MAX,
    Instant,
    TodoFields,
    TodoRead,
    Tryable,
)

# A prefix, and what an issuer may call a client.
_CLIENT_MAX_LENGTH = 2_100
# As far as every reader of JSON counts exactly.
_ACTION_MAX = 2**53 - 1


def _written_out(value: object) -> object:
    if not (isinstance(value, datetime) or (isinstance(value, str) and ":" in value)):
        raise ValueError("must be a date and time, like 2026-11-24T08:15:30Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time of the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), BeforeValidator(_written_out)]
ActionNumber = Annotated[int, Field(ge=1, le=_ACTION_MAX), NO_TEXT]
ClientId = Annotated[PlainText, Field(min_length=1, max_length=_CLIENT_MAX_LENGTH)]


class ActivityWanted(BaseModel):
    """Which changes, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    client: ClientId | SkipJsonSchema[None] = Field(
        None, description="Those of one client: `person`, `app:…`, `key:…` or `upkeep`."
    )
    todo_id: UUID | SkipJsonSchema[None] = Field(None, description="Those of one todo.")
    since: Moment | SkipJsonSchema[None] = Field(None, description="Those made then or later.")
    limit: int = Field(PAGE_LIMIT_DEFAULT, ge=1, le=PAGE_LIMIT_MAX)
    cursor: str | SkipJsonSchema[None] = Field(
        None,
        max_length=CURSOR_MAX_LENGTH,
        description="`next_cursor` of the page before, with the same filters.",
    )


class ChangeMade(BaseModel):
    """That something was changed: by which client, how and why. What was not recorded is null."""

    seq: int = Field(description="Its place in the order of your changes.")
    action: int | None = Field(
        description="What one request or call did: the same number in all its changes."
    )
    kind: ChangeKind
    at: Instant
    client: str | None
    client_name: str | None = Field(description="What the client was called then.")
    tool: str | None = Field(description="The operation or tool.")
    reason: str | None = Field(description="What the client stated.")


class ActivityEntry(ChangeMade):
    """One change: who made it, and what it changed in which todo."""

    todo_id: UUID
    todo: TodoRead | None = Field(description="The todo after it; null when it was purged from the trash.")
    before: TodoFields | None = Field(
        description="The fields that changed, as they were; null of a new or purged todo."
    )
    undoes: int | None = Field(description="`seq` of the change that this one undid.")


class ActivityPageInfo(BaseModel):
    """How to get the next page."""

    limit: int
    next_cursor: str | None = Field(description="Null on the last page.")
    has_more: bool


class ActivityPage(BaseModel):
    """Changes, the newest first."""

    items: list[ActivityEntry]
    page: ActivityPageInfo


class UndoWanted(BaseModel):
    """What to undo: one action, or everything that a client has done since a moment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["action"]}, {"required": ["client", "since"]}],
            "examples": [
                {"client": "key:019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21", "since": "2026-11-24T08:00:00Z"},
                {"action": 57},
            ],
        },
    )

    action: ActionNumber | SkipJsonSchema[None] = None
    client: ClientId | SkipJsonSchema[None] = None
    since: Moment | SkipJsonSchema[None] = None
    dry_run: StrictBool = Field(False, description="Change nothing, show what would change.")
    atomic: StrictBool = Field(False, description="Undo nothing unless all of it can be undone.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        named = {"action", "client", "since"} & self.model_fields_set
        if named not in ({"action"}, {"client", "since"}) or None in (getattr(self, name) for name in named):
            raise ValueError("name an action, or a client and since when")
        return self


class ActionToUndo(Tryable):
    """What an agent wants undone of what it did: one action, or everything since a moment."""

    action: ActionNumber | SkipJsonSchema[None] = None
    since: Moment | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.action is None) == (self.since is None):
            raise ValueError("name an action, or since when")
        return self


class UndoOutcome(StrEnum):
    """What became of a todo: put back; as it was already; changed by others since; or gone for good."""

    UNDONE = "undone"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    PURGED = "purged"


class TodoUndone(BaseModel):
    """What an undo made of one todo."""

    id: UUID
    outcome: UndoOutcome
    todo: TodoRead | None = Field(description="As it is now, or of a dry run would be; null when purged.")
    conflicts: list[ChangeMade] = Field(description="The last changes that stand in the way, newest first.")


class UndoResult(BaseModel):
    """What an undo did: the action that it was itself, and what became of each todo."""

    action: int | None = Field(description="Undo it to have everything again; null when nothing changed.")
    todos: list[TodoUndone]


class PlannedUndo(UndoResult):
    """What an undo did; or of a dry run, would do."""

    plan: str | None = None
