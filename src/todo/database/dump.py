"""PostgreSQL's own dump: written by pg_dump, taken apart by pg_restore, loaded over a connection of ours."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from todo.database.census import SCHEMAS, Census, TableFacts
from todo.database.embedded import binaries
from todo.database.engine import Connection
from todo.database.relay import plain_address
from todo.database.roles import AUTH_GROUP
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

# As long as a row may be as text.
_LINE_BYTES = 2**27
_BLOCK_BYTES = 2**16
# For psql, or unknown to servers before 17; the connection is used for nothing else.
_NOT_FOR_SERVERS = ("\\restrict ", "\\unrestrict ", "SET transaction_timeout ")


async def write_dump(url: DatabaseUrl, connection: Connection, file: Path) -> None:
    """Write what the open transaction of `connection` sees; raises `CannotStart` with pg_dump's reason."""
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    password = url.password or dict(url.parameters).get("password")
    environment = {"PGSSLMODE": "disable", **({"PGPASSWORD": password} if password else {})}
    async with plain_address(url, connection) as address:
        dumping = _running(
            "pg_dump", "--format=custom", f"--snapshot={snapshot}", "--lock-wait-timeout=10s",
            *(f"--schema={schema}" for schema in SCHEMAS), f"--file={file}", f"--dbname={address}",
            "--no-password", environment=environment,
        )  # fmt: skip
        async with dumping as output:
            await output.read()


async def refuse_missing_rows(file: Path, census: Census) -> None:
    """Raise `CannotStart` unless the dump has as many rows of every table as the census.

    pg_dump ends well with rows missing when it is told to obey row-level security.
    """
    for name, table in census.items():
        found = 0
        async for block in _rows(file, table):
            found += block.count(b"\n")
        if found != table.rows:
            raise CannotStart(f"The dump has {found} rows of {name}, the database {table.rows}.")


async def load_dump(connection: Connection, file: Path, census: Census) -> None:
    """Make the tables of a dump and fill them, in the open transaction; raises what the server says."""
    for schema in SCHEMAS:
        tables = [table for table in census.values() if table.namespace == schema]
        if tables:
            if schema == "auth":
                await connection.execute(f'SET LOCAL ROLE "{AUTH_GROUP}"')
            await connection.execute(await _script(file, "pre-data", schema))
            for table in tables:
                await connection.copy_to_table(
                    table.name,
                    schema_name=schema,
                    columns=table.columns,
                    source=_rows(file, table),
                    format="text",
                )
            await connection.execute(await _script(file, "post-data", schema))
            await connection.execute("RESET ROLE")


async def _script(file: Path, section: str, schema: str) -> str:
    async with _restoring(file, f"--section={section}", f"--schema={schema}", "--no-owner") as output:
        text = (await output.read()).decode()
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_NOT_FOR_SERVERS))


async def _rows(file: Path, table: TableFacts) -> AsyncIterator[bytes]:
    """Give the rows of a table as COPY reads them: a line each, some at a time."""
    only = ("--data-only", f"--schema={table.namespace}", f"--table={table.name}")
    async with _restoring(file, *only) as output:
        while line := await output.readline():
            if line.startswith(b"COPY "):
                break
        block = bytearray()
        while (line := await output.readline()) not in {b"\\.\n", b""}:
            block += line
            if len(block) > _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
        if block:
            yield bytes(block)
        await output.read()


@asynccontextmanager
async def _restoring(file: Path, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    async with _running("pg_restore", *arguments, "--file=-", str(file)) as output:
        yield output


@asynccontextmanager
async def _running(
    program: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """Run a program, give its output, and raise `CannotStart` with its last words if it fails."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            binaries() / program,
            *arguments,
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=_LINE_BYTES,
        )
        if process.stdout is None:
            raise RuntimeError("its output is a pipe")
        try:
            yield process.stdout
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise CannotStart(f"{program} failed: {words[-1].removeprefix(f'{program}: error: ')}.")
