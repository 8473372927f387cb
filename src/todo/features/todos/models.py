"""The `todos` table, and the rules of a todo that need no database to be true."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, StringConstraints
from pydantic import Field as PydanticField
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field

from todo.database.tables import Table

TITLE_MAX_LENGTH = 200
DESCRIPTION_MAX_LENGTH = 1000
REASON_MAX_LENGTH = 500


class Priority(StrEnum):
    """How much a todo matters, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain the NUL character")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


# The patterns are for readers of the schema; the validators say the same in better words.
PlainText = Annotated[
    str, AfterValidator(_without_nul), PydanticField(json_schema_extra={"pattern": r"^[^\x00]*$"})
]
Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TITLE_MAX_LENGTH),
    AfterValidator(_without_nul),
    AfterValidator(_not_blank),
    PydanticField(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}),
]
Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_MAX_LENGTH), *PlainText.__metadata__]
Reason = Annotated[str, StringConstraints(max_length=REASON_MAX_LENGTH), *PlainText.__metadata__]

# In the words PostgreSQL gives it back in, so that the comparison of code and database finds no difference.
_PRIORITY_RANK = " ".join(f"WHEN '{name}'::text THEN {rank}" for rank, name in enumerate(Priority, start=1))
_LIVE = text("deleted_at IS NULL")
_TRASHED = text("deleted_at IS NOT NULL")


def _instant(*, optional: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=optional)


class Todo(Table, table=True):
    """One thing a person means to do. `user_id` is in every key, so that the table can be sharded."""

    __tablename__ = "todos"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "change_seq"),
        # In few words: PostgreSQL reads them anew for each statement that writes.
        CheckConstraint(
            f"char_length(title) <= {TITLE_MAX_LENGTH} AND btrim(title, E' \\t\\n\\r\\f\\v') <> ''",
            name="title_fits",
        ),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_MAX_LENGTH}", name="description"),
        CheckConstraint("version >= 1", name="version"),
        # One index per sort order of the list, each with the tie-breaker of its pages.
        Index(None, "user_id", "created_at", "id", postgresql_where=_LIVE),
        Index(None, "user_id", "updated_at", "id", postgresql_where=_LIVE),
        Index(None, "user_id", "priority_rank", "id", postgresql_where=_LIVE),
        Index(None, "user_id", "title_key", "id", postgresql_where=_LIVE),
        Index("ix_todos_trash", "user_id", "created_at", "id", postgresql_where=_TRASHED),
        # Begins with the id, so that it also answers "does anybody have this id", and what is new is written
        # where the last one was; ends with the person, so that a question for one's own meets nobody else's.
        PrimaryKeyConstraint("id", "user_id"),
    )

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    title: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    priority: Priority = Field(sa_column=Column(Text, nullable=False, server_default=Priority.MEDIUM))
    completed_at: datetime | None = Field(default=None, sa_column=_instant(optional=True))
    created_at: datetime = Field(sa_column=_instant())
    updated_at: datetime = Field(sa_column=_instant())
    deleted_at: datetime | None = Field(default=None, sa_column=_instant(optional=True))
    version: int = Field(default=1)
    change_seq: int = Field(sa_type=BigInteger)
    # Never null, so that there is no priority but these.
    priority_rank: int | None = Field(
        default=None,
        sa_column=Column(
            SmallInteger,
            Computed(f"CASE priority {_PRIORITY_RANK} ELSE NULL::integer END", persisted=True),
            nullable=False,
        ),
    )
    title_key: str | None = Field(
        default=None, sa_column=Column(Text(collation="C"), Computed("lower(title)", persisted=True))
    )

    @property
    def is_completed(self) -> bool:
        """Whether it is done."""
        return self.completed_at is not None

    def apply(self, changes: Mapping[str, Any], at: datetime) -> "ChangeKind | None":
        """Set the named fields and say what that was, if anything; completing twice keeps the first time."""
        changes = self._otherwise(changes)
        for name, value in changes.items():
            if name == "is_completed":
                self.completed_at = at if value else None
            else:
                setattr(self, name, value)
        if "is_completed" in changes:
            return ChangeKind.COMPLETED if changes["is_completed"] else ChangeKind.REOPENED
        return ChangeKind.UPDATED if changes else None

    def _otherwise(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value != getattr(self, name)}

    def advance(self, seq: int, at: datetime) -> None:
        """Make it the next version, at its place in the owner's sequence."""
        self.version += 1
        self.updated_at = at
        self.change_seq = seq

    def trash(self, at: datetime) -> "ChangeKind":
        """Move it to the trash."""
        self.deleted_at = at
        return ChangeKind.DELETED

    def restore(self) -> "ChangeKind | None":
        """Bring it back from the trash, if it is there."""
        if self.deleted_at is None:
            return None
        self.deleted_at = None
        return ChangeKind.RESTORED

    def put_back(self, fields: Mapping[str, Any]) -> "ChangeKind | None":
        """Give the named fields the values they had, and say what that was, if anything."""
        fields = self._otherwise(fields)
        for name, value in fields.items():
            setattr(self, name, value)
        if "deleted_at" in fields:
            return ChangeKind.RESTORED if self.deleted_at is None else ChangeKind.DELETED
        if "completed_at" in fields:
            return ChangeKind.COMPLETED if self.is_completed else ChangeKind.REOPENED
        return ChangeKind.UPDATED if fields else None


class ChangeKind(StrEnum):
    """What happened to a todo."""

    CREATED = "created"
    UPDATED = "updated"
    COMPLETED = "completed"
    REOPENED = "reopened"
    DELETED = "deleted"
    RESTORED = "restored"
    PURGED = "purged"


class TodoChange(Table, table=True):
    """One change of a todo, at its place in the person's sequence, and the todo as it was then.

    All changes of one request or tool call are one action, named by the place of its first. `before` holds
    the fields that changed, as they were. What was not recorded when a change was made is null.
    """

    __tablename__ = "todo_changes"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        CheckConstraint(f"kind = ANY ('{{{','.join(ChangeKind)}}}'::text[])", name="kind_known"),
        # The history of some todos, without the person's others; led by the todo, as the key of todos is.
        Index(None, "todo_id", "user_id", "seq"),
    )

    user_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger, primary_key=True)
    todo_id: UUID
    kind: ChangeKind = Field(sa_type=Text)
    at: datetime = Field(sa_column=_instant())
    todo: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    action: int | None = Field(default=None, sa_type=BigInteger)
    client: str | None = Field(default=None, sa_type=Text)
    client_name: str | None = Field(default=None, sa_type=Text)
    tool: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    undoes: int | None = Field(default=None, sa_type=BigInteger)


class TodoWord(Table, table=True):
    """Which todos a word finds: places in the person's sequence, a block of it in each row."""

    __tablename__ = "todo_words"
    __table_args__ = (ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),)

    user_id: UUID = Field(primary_key=True)
    word: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    block: int = Field(sa_type=BigInteger, primary_key=True)
    places: bytes


class IndexedTodo(Table, table=True):
    """Up to which change a todo is in the index of words; it may be gone by now."""

    __tablename__ = "indexed_todos"
    __table_args__ = (ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),)

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    change_seq: int = Field(sa_type=BigInteger)
