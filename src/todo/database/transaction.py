"""One request, one person, one transaction: the only way to the tables, and the only place that commits."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import text

from todo.database.engine import LOCK_SECONDS
from todo.database.glance import look, strike
from todo.database.pool import Connection
from todo.database.provenance import Provenance
from todo.database.standing import Standing, literal_query
from todo.database.statements import Statement
from todo.database.wire import ConnectionLost, Row
from todo.problems import Unauthenticated, Unavailable

# What using a connection whose other end is gone looks like.
_LOST = (
    ConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
# What a lost, full, restarting, read-only or overburdened database looks like; all of it passes.
_PASSING = (
    *_LOST,
    OSError,
    TimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InternalServerError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
# All connections of one kind may have ended together, and be found so one by one.
_ATTEMPTS = 10
_PING_SECONDS = 1.0
_LATE_SECONDS = 0.5
_NOBODY = UUID(int=0)
_NOT_NOW = "The database cannot answer right now; try again shortly."
_REVISION = Statement(text("SELECT version_num FROM alembic_version"))


class InDoubt(Unavailable):
    """The connection was lost while a statement was on its way: it may have been done, or be done yet."""


class Transaction:
    """An open transaction of one person; row-level security shows it that person's rows alone."""

    def __init__(
        self,
        connection: Connection,
        user_id: UUID,
        standing: Standing | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        self._connection = connection
        self._standing = standing
        self._provenance = provenance
        self._timeout_seconds: float | None = None
        self._began = time.monotonic()
        self._late_seconds = 0.0
        self.user_id = user_id

    @property
    def provenance(self) -> Provenance:
        """Where what is changed here comes from."""
        if self._provenance is None:
            raise RuntimeError("whoever changes todos says where that comes from")
        return self._provenance

    async def one(self, statement: Statement, **values: Any) -> asyncpg.Record | None:
        """Give the first row, or nothing."""
        await self._hurry()
        return await self._connection.fetchrow(
            statement.sql, *statement.arguments(values), timeout=self._timeout_seconds
        )

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """Give all rows."""
        await self._hurry()
        return await self._connection.fetch(
            statement.sql, *statement.arguments(values), timeout=self._timeout_seconds
        )

    async def say(self, sql: str, arguments: Sequence[Any]) -> asyncpg.Record | None:
        """Give the first row of a statement that says who asks as well, or nothing."""
        return await self._connection.fetchrow(sql, *arguments)

    async def _hurry(self) -> None:
        """Wait less for a lock the later it is: for all of them, as long as for one."""
        late_seconds = time.monotonic() - self._began
        # Said anew now and then, for each time is a message.
        if late_seconds - self._late_seconds > _LATE_SECONDS and self._timeout_seconds is None:
            self._late_seconds = late_seconds
            left = max(1, int((LOCK_SECONDS - late_seconds) * 1_000))
            await self._connection.execute(f"SET LOCAL lock_timeout = {left:d}")

    async def chunks(
        self, statement: Statement, size: int, **values: Any
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """Give all rows, some at a time: so many that they need not be in memory together."""
        cursor = await self._connection.cursor(statement.sql, *statement.arguments(values))
        while rows := await cursor.fetch(size):
            yield rows

    async def allow(self, seconds: int) -> None:
        """Let each statement that follows take so long; usually it is a few seconds."""
        await self._connection.execute(f"SET LOCAL statement_timeout = '{seconds:d}s'")
        self._timeout_seconds = float(seconds)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Transaction"]:
        """Give itself: it is open already."""
        yield self

    async def require_standing(self) -> None:
        """Ask once more, after a wait; raises `Unauthenticated` when what the token rests on has ended."""
        if self._standing:
            _require_standing(await self._connection.execute(literal_query(self._standing)))


class Glance:
    """Looks things up for one person, each by a statement that is a transaction of its own."""

    def __init__(self, database: "Database", user_id: UUID, standing: Standing | None) -> None:
        self._database = database
        self._standing = standing
        self.user_id = user_id

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Give the row; where there is none, one of nulls may stand for it.

        Raises what `Database.transaction` does.
        """
        return await self._database.look(self.user_id, self._standing, statement, values)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that sees a single snapshot, for what takes more than one statement."""
        return self._database.transaction(self.user_id, self._standing, read_only=True)


class Pool(Protocol):
    """Where connections come from."""

    def acquire(self, *, timeout: float) -> Awaitable[Connection]:
        """Give a connection; raises `TimeoutError` when none is free in time."""

    def release(self, connection: Connection, /) -> Awaitable[None]:
        """Take a connection back."""


class Messages(Protocol):
    """Where statements go that are a transaction, and a message, each."""

    def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Awaitable[Row | None]:
        """Give the first row, or nothing, as `Pipelines.ask` does."""


class Database:
    """The connections of the bound role, and how a transaction is opened on one of them.

    What is one statement goes over `reads` and `writes`, or in a transaction where there are none.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        reads: Messages | None = None,
        writes: Messages | None = None,
        acquire_timeout_seconds: float = 2.0,
        on_commit: Callable[[UUID], None] = lambda _user_id: None,
    ) -> None:
        self._pool = pool
        self._reads = reads
        self._writes = writes
        self._acquire_timeout_seconds = acquire_timeout_seconds
        self._on_commit = on_commit

    def glance(self, user_id: UUID, standing: Standing | None = None) -> Glance:
        """Give a way to look things up for one person, one at a time."""
        return Glance(self, user_id, standing)

    async def look(
        self, user_id: UUID, standing: Standing | None, statement: Statement, values: dict[str, Any]
    ) -> Row | None:
        """Ask one thing. Raises what `transaction` does."""
        if self._reads is None:
            async with self.transaction(user_id, standing, read_only=True) as transaction:
                return await transaction.one(statement, **values)
        sql, arguments = look(statement, values, user_id, standing)
        with _UnavailableWhileItPasses():
            row = await self._answered(self._reads, sql, arguments, is_repeatable=True)
        if row is None or not row["lasts"]:
            raise _has_ended()
        return row

    async def strike(
        self, user_id: UUID, standing: Standing | None, statement: Statement, values: dict[str, Any]
    ) -> Row | None:
        """Write by one statement, in one message; the answer comes after the commit.

        Gives nothing where it did not apply, and has done nothing then. Raises what `transaction` does.
        """
        sql, arguments = strike(statement, values, user_id, standing)
        with _UnavailableWhileItPasses():
            try:
                if self._writes is None:
                    async with self.transaction(user_id, standing) as transaction:
                        row: Row | None = await transaction.say(sql, arguments)
                else:
                    row = await self._answered(self._writes, sql, arguments, is_repeatable=False)
            except (asyncpg.UniqueViolationError, asyncpg.LockNotAvailableError):
                return None  # somebody else has done it meanwhile, or is at something that takes longer
            except asyncio.CancelledError:
                self._on_commit(user_id)  # for it may be done all the same
                raise
        if row is None or not row["lasts"]:
            raise _has_ended()
        if not row["is_done"]:
            return None
        self._on_commit(user_id)
        return row

    async def _answered(
        self, messages: Messages, sql: str, arguments: list[Any], *, is_repeatable: bool
    ) -> Row | None:
        """Give the row; what is lost is said once more if it may be, or cannot have been done."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await messages.ask(sql, arguments, timeout=self._acquire_timeout_seconds)
            except ConnectionLost as lost:
                if not (is_repeatable or lost.is_undone):
                    raise InDoubt(_NOT_NOW) from lost
                if attempt == _ATTEMPTS:
                    raise
        raise RuntimeError("the last attempt gives a row or raises")

    @asynccontextmanager
    async def transaction(
        self,
        user_id: UUID,
        standing: Standing | None = None,
        *,
        read_only: bool = False,
        provenance: Provenance | None = None,
    ) -> AsyncIterator[Transaction]:
        """Open a transaction for one person and commit it at the end; any exception rolls it back.

        A reading one sees a single snapshot and cannot write. Raises `Unauthenticated` when what the caller's
        token rests on has ended, and `Unavailable` when the database cannot answer now.
        """
        with _UnavailableWhileItPasses():
            connection = await self._begun(user_id, standing, read_only=read_only)
            try:
                async with _rolled_back_on_failure(connection):
                    yield Transaction(connection, user_id, standing, provenance)
                    await connection.execute("COMMIT")
                if not read_only:
                    self._on_commit(user_id)
            finally:
                await self._pool.release(connection)

    async def _begun(self, user_id: UUID, standing: Standing | None, *, read_only: bool) -> Connection:
        """Give a connection with an open transaction; one that turns out to be dead is replaced."""
        for attempt in range(1, _ATTEMPTS + 1):
            connection = await self._pool.acquire(timeout=self._acquire_timeout_seconds)
            try:
                async with _rolled_back_on_failure(connection):
                    await self._begin(connection, user_id, standing, read_only=read_only)
            except _LOST:
                # Nothing has been done yet, so beginning is also the question whether it still lives.
                connection.terminate()
                await self._pool.release(connection)
                if attempt == _ATTEMPTS:
                    raise
            except BaseException:
                await self._pool.release(connection)
                raise
            else:
                return connection
        raise RuntimeError("the last attempt gives a connection or raises")

    async def _begin(
        self, connection: Connection, user_id: UUID, standing: Standing | None, *, read_only: bool
    ) -> None:
        # SET LOCAL takes no parameter, and unlike set_config() it reaches the workers of a Citus cluster.
        # The id is a UUID object, so its text cannot hold anything but hexadecimal digits and dashes.
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if read_only else "BEGIN"
        script = f"{begin}; SET LOCAL app.user_id = '{user_id!s}'"
        if standing is None:
            await connection.execute(script)
        else:
            # In the same message, so that what was revoked costs no round trip to find out.
            _require_standing(await connection.execute(f"{script}; {literal_query(standing)}"))

    async def ping(self) -> str:
        """Give the revision of the schema; raises `Unavailable` when the database cannot answer now."""
        try:
            async with (
                asyncio.timeout(_PING_SECONDS),
                Database.transaction(self, _NOBODY, read_only=True) as asked,
            ):
                row = await asked.one(_REVISION)
        except (TimeoutError, asyncpg.UndefinedTableError) as error:
            raise Unavailable(_NOT_NOW) from error
        return str(row["version_num"]) if row else ""


def _require_standing(status: str) -> None:
    if status != "SELECT 1":
        raise _has_ended()


def _has_ended() -> Unauthenticated:
    return Unauthenticated("What this token rests on has ended: sign in again.", invalid_token=True)


class _UnavailableWhileItPasses:
    # No generator, which costs five times as much, for each request comes by here.
    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # A value that does not fit its column is a mistake of ours.
        if isinstance(error, _PASSING) and not isinstance(error, ValueError):
            raise Unavailable(_NOT_NOW) from error


@asynccontextmanager
async def _rolled_back_on_failure(connection: Connection) -> AsyncIterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        # The server may still be working on it: a connection in doubt is not used again.
        connection.terminate()
        raise
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
