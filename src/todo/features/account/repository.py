"""The queries on one person's account."""

from sqlalchemy import bindparam, column, delete, func, select
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.database.tables import Table, User
from todo.database.transaction import Transaction
from todo.features.account.schemas import Profile

_DELETION_SECONDS = 120  # a person may have very many rows
_USER = Table.metadata.tables[str(User.__tablename__)].c

# Made by the auth server, the owner of what they touch; they work for the caller of the transaction alone.
_PROFILE_OF_CALLER = func.auth.profile_of_caller().table_valued(
    column("name"), column("email"), column("created_at")
)
_PROFILE = Statement(select(*_PROFILE_OF_CALLER.c))
_FORGET_PROFILE = Statement(select(func.auth.forget_caller()))

_LOCK = Statement(
    postgresql.insert(User)
    .values(id=bindparam("user_id"))
    .on_conflict_do_update(index_elements=["id"], set_={"change_seq": _USER.change_seq})
    .returning(_USER.id)
)
_FORGET_PERSON = Statement(delete(User).where(_USER.id == bindparam("user_id")))


class AccountRepository:
    """The account of one person; it cannot ask about anybody else's."""

    def __init__(self, transaction: Transaction, *, has_auth_server: bool) -> None:
        self._transaction = transaction
        self._has_auth_server = has_auth_server
        self.owner_id = transaction.user_id

    async def profile(self) -> Profile | None:
        """Give what the auth server knows; nothing when there is none of ours."""
        if not self._has_auth_server:
            return None
        row = await self._transaction.one(_PROFILE)
        return None if row is None else Profile(id=self.owner_id, **dict(row))

    async def forget(self) -> None:
        """Delete every row about the person; whoever writes for them meanwhile waits, and then is refused."""
        await self._transaction.allow(_DELETION_SECONDS)
        # Also made if it is not there, so that a first write waits as well.
        await self._transaction.rows(_LOCK, user_id=self.owner_id)
        # What is theirs in other tables goes with the row, by foreign keys.
        await self._transaction.rows(_FORGET_PERSON, user_id=self.owner_id)
        if self._has_auth_server:
            await self._transaction.one(_FORGET_PROFILE)
