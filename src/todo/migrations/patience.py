"""Changing the schema while people use it: briefly, and again later when somebody is in the way."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

_logger = logging.getLogger(__name__)
# Whoever waits for a strong lock makes everybody queue behind it, and whoever has it keeps them waiting:
# both end before a request gives up.
BRIEFLY = ("SET LOCAL lock_timeout = '200ms'", "SET LOCAL statement_timeout = '2s'")
_PAUSE_SECONDS = 1.0
# Not had the lock in time, broken off by the server, chosen in a deadlock.
_IN_THE_WAY = {"55P03", "57014", "40P01"}

# Times are hidden from roles that may not see them.
_LONGEST_READER = """
SELECT pid, usename, date_trunc('second', clock_timestamp() - xact_start)::text AS age
  FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_class ON pg_class.oid = relation
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND granted
   AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
 ORDER BY xact_start NULLS LAST LIMIT 1
"""


def limit_transactions(connection: AlchemyConnection) -> None:
    """Have every transaction of a connection give up soon, whatever it waits for or does.

    What has no transaction of its own around it, as building an index concurrently, may take its time.
    """

    @event.listens_for(connection, "begin")
    def _be_brief(begun: AlchemyConnection) -> None:
        if begun.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            for setting in BRIEFLY:
                begun.exec_driver_sql(setting)


async def repeat_until_done(
    change: Callable[[], Awaitable[None]], url: DatabaseUrl, *, patience_seconds: float
) -> None:
    """Try a change again and again while somebody is in its way.

    Raises `CannotStart` with who that is, once patience is at its end.
    """
    deadline = time.monotonic() + patience_seconds
    has_told = False
    while True:
        try:
            await change()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise CannotStart(
                    "The database was lost while its schema was being changed: run `todo migrate` again; "
                    "it goes on from where it is."
                ) from error
            if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
            if time.monotonic() >= deadline:
                raise CannotStart(
                    f"The schema could not be changed within {patience_seconds:.0f} s, for others use what "
                    f"has to change{await _longest_reader(url)}: wait for them or end them, then run "
                    "`todo migrate` again; it goes on from where it is."
                ) from error
            if not has_told:
                _logger.warning("the change of the schema waits for others%s", await _longest_reader(url))
                has_told = True
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


async def _longest_reader(url: DatabaseUrl) -> str:
    async with connect(url) as connection:
        row = await connection.fetchrow(_LONGEST_READER)
    if row is None:
        return ""
    since = f", in a transaction for {row['age']}" if row["age"] else ""
    return f" (process {row['pid']} of PostgreSQL, role {row['usename']!r}{since})"
