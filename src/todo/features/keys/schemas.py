"""What comes in and goes out: the JSON of API keys."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from todo.auth.user import Scope
from todo.features.todos.schemas import NO_TEXT, Instant

NAME_MAX_LENGTH = 100
LONGEST_LIFE_DAYS = 3_650


class KeyCreate(BaseModel):
    """A new key."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Laptop", "scopes": ["todo:read"]}]}
    )

    name: Annotated[
        str, Field(min_length=1, max_length=NAME_MAX_LENGTH, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]
    scopes: list[Scope] = Field(
        default_factory=lambda: list(Scope),
        min_length=1,
        max_length=len(Scope),
        description="What it may do.",
    )
    expires_in_days: Annotated[int, Field(ge=1, le=LONGEST_LIFE_DAYS), NO_TEXT] | None = Field(
        None, description="Null: it holds until it is revoked."
    )

    @field_validator("scopes")
    @classmethod
    def _each_once(cls, value: list[Scope]) -> list[Scope]:
        return sorted(set(value))


class KeyRead(BaseModel):
    """A key, without what would let anybody use it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    hint: str = Field(description="How the key ends.")
    scopes: list[Scope]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None = Field(description="To the minute.")


class KeyMade(KeyRead):
    """A key that was made just now; `key` is shown this once and never again."""

    key: str = Field(description="Send it as `X-API-Key`.")


class KeyList(BaseModel):
    """All of a person's keys, the newest first."""

    items: list[KeyRead]
