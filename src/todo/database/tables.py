"""What every table shares: naming, and the person each row belongs to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, MetaData, text
from sqlmodel import Field, SQLModel


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
