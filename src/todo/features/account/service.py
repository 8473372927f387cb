"""The use cases of an account."""

import asyncio
from datetime import datetime
from typing import IO

from todo.auth.user import Caller
from todo.database.transaction import Transaction
from todo.features.account.repository import AccountRepository
from todo.features.account.rules import Import, require_recent_sign_in
from todo.features.account.schemas import FileFormat, ImportFile, ImportReport, export_text
from todo.features.todos.service import TRANSFERRED_AT_ONCE, TodoTransfer, todo_transfer
from todo.settings import Limits


class AccountService:
    """What a person can do with their data as a whole."""

    def __init__(self, account: AccountRepository, todos: TodoTransfer) -> None:
        self._account = account
        self._todos = todos

    async def export_account(self, wanted: FileFormat, file: IO[bytes], now: datetime) -> str:
        """Write all of the person's data into the file, and give its media type."""
        text = export_text(wanted, await self._account.profile(), now)
        file.write(text.head.encode())
        async for todos in self._todos.all_todos():
            file.write(text.todos(todos).encode())
        file.write(text.tail.encode())
        return text.media_type

    async def import_account(self, file: ImportFile, now: datetime) -> ImportReport:
        """Add the todos of the file that are not there yet, and say what could not be taken over.

        Raises `UnreadableFile` when it is no export.
        """
        work = Import(self._account.owner_id, file, now)
        # In threads: others are served while a file is read.
        while rows := await asyncio.to_thread(work.read, TRANSFERRED_AT_ONCE):
            todos = await asyncio.to_thread(work.accept, rows)
            if todos:
                work.settle(await self._todos.bring_in(todos))
        return work.report()

    async def delete_account(self, caller: Caller, now: datetime) -> None:
        """Delete the person and everything of theirs, for good.

        Raises `ReauthenticationRequired` unless they have just signed in.
        """
        require_recent_sign_in(caller, now)
        await self._account.forget()


def account_service(transaction: Transaction, limits: Limits, *, has_auth_server: bool) -> AccountService:
    """Build the service of the person the transaction belongs to."""
    account = AccountRepository(transaction, has_auth_server=has_auth_server)
    return AccountService(account, todo_transfer(transaction, limits))
