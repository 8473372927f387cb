"""What connected apps are called."""

from sqlalchemy import bindparam, text

from todo.database.statements import Statement
from todo.database.transaction import Transaction

_FIND = Statement(
    text('SELECT name FROM auth."oauthClient" WHERE "clientId" = :client_id').bindparams(
        bindparam("client_id")
    )
)


async def find_app_name(transaction: Transaction, client_id: str) -> str | None:
    """Give the name that an app gave itself, if it did."""
    row = await transaction.one(_FIND, client_id=client_id)
    return None if row is None else row["name"]
