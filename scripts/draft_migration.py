"""Drafts a migration from the tables in code: python -m scripts.draft_migration "what changes"."""

import asyncio
import sys
import tempfile
from pathlib import Path

from todo.database.embedded import EmbeddedPostgres
from todo.migrations.runner import alone, draft, migrate


async def _draft(message: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "postgres").running() as server,
    ):
        async with alone(server) as gate:
            await migrate(server, gate)
        await draft(server, message)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():  # noqa: PLR2004  # the one argument
        sys.exit('Say what changes: make migration m="todos: due dates"')
    asyncio.run(_draft(sys.argv[1]))
