"""Who may do what in the database: the roles the service and the auth server log in as."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncpg
from sqlalchemy.exc import ProgrammingError

from todo.database.engine import LOCK_SECONDS, Connection, connect
from todo.database.scram import scram_verifier
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

APP_GROUP = "todo_app"
AUTH_GROUP = "todo_auth"
_MIN_SERVER_VERSION = 150000
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")

# Of `todos` and the others the owner is in `user_id`, of `users` it is the row itself.
_CALLERS_ROWS = [
    f"({owner} = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)"
    for owner in ("user_id", "id")
]
_LIMITS = {
    # A plan is kept as long as its connection, and may have been made when a table was as good as empty. What
    # is asked here never needs a whole table, and is over before a plan would be compiled.
    "enable_seqscan": "off",
    "jit": "off",
    "statement_timeout": "5s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": "10s",
}


def login_of(group: str, url: DatabaseUrl, secret: bytes) -> DatabaseUrl:
    """Give `url` for this installation's own member of `group`.

    Name and password follow from the secret, so several hosts that share it share the role, and two
    installations on one server never change each other's password.
    """
    fingerprint = hmac.digest(secret, f"role {group}".encode(), hashlib.sha256).hex()[:8]
    password = hmac.digest(secret, f"password {group}".encode(), hashlib.sha256).hex()
    return url.as_role(f"{group}_{fingerprint}", password)


async def create_groups(url: DatabaseUrl) -> None:
    """Create the roles that grants and policies name, if this server does not know them yet."""
    # By itself: roles belong to the server, and another database's installation may make them just now.
    async with connect(url) as connection:
        for group in (APP_GROUP, AUTH_GROUP):
            if not await _role_exists(connection, group):
                with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                    await connection.execute(f'CREATE ROLE "{group}" NOLOGIN')


async def logins_work(url: DatabaseUrl, secret: bytes) -> bool:
    """Whether this installation's logins were made already; then no right to make roles is needed."""
    try:
        for group in (APP_GROUP, AUTH_GROUP):
            async with connect(login_of(group, url, secret)):
                pass
    except CannotStart:
        return False
    return True


async def create_logins(connection: Connection, url: DatabaseUrl, secret: bytes) -> None:
    """Create or mend this installation's login roles, and the schema the auth server owns."""
    await create_auth_schema(connection)
    for group in (APP_GROUP, AUTH_GROUP):
        login = login_of(group, url, secret)
        verb = "ALTER" if await _role_exists(connection, login.user) else "CREATE"
        verifier = scram_verifier(login.password)
        await connection.execute(f"{verb} ROLE \"{login.user}\" LOGIN PASSWORD '{verifier}'")
        await connection.execute(f'GRANT "{group}" TO "{login.user}"')
    for setting, value in _LIMITS.items():
        user = login_of(APP_GROUP, url, secret).user
        await connection.execute(f"ALTER ROLE \"{user}\" SET {setting} = '{value}'")
    # Its tables belong to the group, so that they outlive a change of the secret.
    auth_user = login_of(AUTH_GROUP, url, secret).user
    await connection.execute(f'ALTER ROLE "{auth_user}" SET role = "{AUTH_GROUP}"')


async def create_auth_schema(connection: Connection) -> None:
    """Create the schema that belongs to the auth server's group, if it is not there."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'auth')"):
        await connection.execute(f'GRANT "{AUTH_GROUP}" TO CURRENT_USER')
        await connection.execute(f'CREATE SCHEMA auth AUTHORIZATION "{AUTH_GROUP}"')


@contextmanager
def explained_privileges(url: DatabaseUrl) -> Iterator[None]:
    """Turn the server's refusal of a right into `CannotStart` with what to do."""
    try:
        yield
    except (asyncpg.InsufficientPrivilegeError, ProgrammingError) as error:
        if isinstance(error, ProgrammingError) and "permission denied" not in str(error.orig):
            raise
        raise CannotStart(
            f"The role {url.user!r} may not prepare the database: run `todo migrate` once with a role that "
            f"owns the database and may create roles ({_first_line(error)})."
        ) from error


def _first_line(error: asyncpg.PostgresError | ProgrammingError) -> str:
    reason = error.orig if isinstance(error, ProgrammingError) else error
    return str(reason).partition("\n")[0]


async def refuse_unbound_role(url: DatabaseUrl) -> None:
    """Raise `CannotStart` unless the role of `url` is held by row-level security on every table of ours."""
    async with connect(url) as connection, connection.transaction(readonly=True):
        row = await connection.fetchrow(
            """
            SELECT rolsuper OR rolbypassrls AS bypasses,
                   EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) AS owns,
                   ARRAY(SELECT relname::text FROM pg_class
                          WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                            AND relname <> 'alembic_version' AND NOT row_security_active(oid)) AS open_tables
              FROM pg_roles WHERE rolname = current_user
            """
        )
        open_policies = await _open_policies(connection)
    if open_policies:
        raise CannotStart(
            f"The row-level security of {', '.join(open_policies)} shows the database role {url.user!r} more "
            "than one person's rows: give the policies back what `todo migrate` made of them."
        )
    if row is None or row["bypasses"] or row["owns"] or row["open_tables"]:
        raise CannotStart(
            f"The database role {url.user!r} is not bound by row-level security (it is a superuser, has "
            "BYPASSRLS, or owns tables): unset TODO_APP_DATABASE_URL, or name a role that only has the group "
            f"{APP_GROUP!r}."
        )


async def _open_policies(connection: Connection) -> list[str]:
    """Give the tables on which a policy shows the current role anything but the caller's rows."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT tablename FROM pg_policies
         WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'
           AND EXISTS (SELECT FROM unnest(roles) AS named
                        WHERE CASE named WHEN 'public' THEN true ELSE pg_has_role(named, 'USAGE') END)
           AND NOT (coalesce(qual, with_check) = ANY ($1) AND coalesce(with_check, qual) = ANY ($1))
        """,
        _CALLERS_ROWS,
    )
    return [row["tablename"] for row in rows]


async def refuse_unfit_server(connection: Connection) -> None:
    """Raise `CannotStart` on a PostgreSQL that is too old, or that could lose what it acknowledged."""
    if int(await connection.fetchval("SHOW server_version_num")) < _MIN_SERVER_VERSION:
        version = await connection.fetchval("SHOW server_version")
        raise CannotStart(f"PostgreSQL {version} is too old: 15 or newer is needed.")
    for setting in _DURABLE:
        if await connection.fetchval(f"SHOW {setting}") == "off":
            raise CannotStart(f"PostgreSQL runs with {setting} = off: a crash would lose acknowledged todos.")


async def _role_exists(connection: Connection, name: str) -> bool:
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name))
