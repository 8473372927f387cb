"""What every table shares: naming, and the person each row belongs to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NO_TODOS = "{0,0,0,0,0,0,0,0,0,0,0,0}"


class Table(SQLModel):
    """What every table of ours is; its constraints get their names here."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class User(Table, table=True):
    """A person, known by the token's subject. Sign-in data lives with the auth server, not here."""

    __tablename__ = "users"

    id: UUID = Field(primary_key=True)
    # Counts this person's changes; bumped by the transaction that makes one, so order is commit order.
    change_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))
    )
    # How many todos there are, with the trash; changed by the statement that adds or removes them.
    todo_count: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    # The same by state and priority, in twelve places: active low to urgent, then completed, then the trash.
    todo_counts: list[int] = Field(
        sa_column=Column(ARRAY(BigInteger), nullable=False, server_default=text(f"'{NO_TODOS}'"))
    )
    # The change up to which those are right: `change_seq`, or one behind it if a writer did not count.
    counted_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("'-1'")})
    # The change up to which the todos are in the index that searches use.
    indexed_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class IdempotencyKey(Table, table=True):
    """The answer that a keyed request got, kept for those who ask again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        Index(None, "user_id", "created_at"),
    )

    user_id: UUID = Field(primary_key=True)
    key: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    fingerprint: bytes
    status: int = Field(sa_type=SmallInteger)
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))
    )


class ApiKeyRow(Table, table=True):
    """A key that a person's program signs in with; the key itself is not kept, only its digest."""

    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "digest"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    )

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    digest: bytes
    hint: str = Field(sa_type=Text)
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))
    )
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
