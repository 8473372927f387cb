"""Tables and shapes."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import DateTime, Index
from sqlmodel import Field, Relationship, SQLModel


def get_datetime_utc() -> datetime:
    return datetime.now(UTC)


class User(SQLModel, table=True):
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    email: str = Field(unique=True, index=True, max_length=255)
    is_active: bool = True
    todos: list["Todo"] = Relationship(back_populates="owner", cascade_delete=True)


class TodoBase(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=1000)
    priority: str = Field(default="medium", max_length=6)


class TodoCreate(TodoBase):
    pass


class TodoUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=1000)
    priority: str | None = Field(default=None, max_length=6)


class Todo(TodoBase, table=True):
    # The template has an index on nothing but keys; without this one its list would read whole tables.
    __table_args__ = (Index("ix_todo_owner_id_created_at", "owner_id", "created_at"),)

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    is_completed: bool = False
    completed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(default_factory=get_datetime_utc, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=get_datetime_utc, sa_type=DateTime(timezone=True))
    owner_id: uuid.UUID = Field(foreign_key="user.id", nullable=False, ondelete="CASCADE")
    owner: User | None = Relationship(back_populates="todos")


class TodoPublic(TodoBase):
    id: uuid.UUID
    is_completed: bool
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    owner_id: uuid.UUID


class TodosPublic(SQLModel):
    data: list[TodoPublic]
    count: int


class TokenPayload(SQLModel):
    sub: str | None = None
