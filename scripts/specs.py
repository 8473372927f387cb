"""Writes the generated parts of specs/ from the running code: python -m scripts.specs."""

import asyncio
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from todo.app import create_app
from todo.database.embedded import EmbeddedPostgres, binaries
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.mcp_server import create_mcp_server
from todo.migrations.runner import alone, head_revision, migrate
from todo.settings import Limits, Wiring
from todo.transport.http_request import Backend

SPECS = Path(__file__).parent.parent / "specs"
_BLOCK = re.compile(r"(<!-- generated: start -->\n).*?(<!-- generated: end -->)", re.DOTALL)
NOUNS = {
    "account": ("/api/account",),
    "keys": ("/api/keys",),
    "todos": ("/api/todos", "/api/events"),
}
TABLES = {"keys": ("api_keys",), "todos": ("todos", "users", "todo_changes", "idempotency_keys")}

_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS is_required,
       COALESCE(pg_get_expr(adbin, adrelid), '') AS value, attgenerated = 's' AS is_generated
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_RULES = """
SELECT conname AS name, pg_get_constraintdef(oid) AS rule FROM pg_constraint
 WHERE conrelid = $1::text::regclass AND contype <> 'n'
UNION ALL
SELECT relname, substring(pg_get_indexdef(indexrelid) FROM ' USING .*$')
  FROM pg_index JOIN pg_class ON oid = indexrelid
 WHERE indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
UNION ALL
SELECT policyname, 'POLICY TO ' || array_to_string(roles, ', ') || ' USING ' || qual FROM pg_policies
 WHERE tablename = $1::text
ORDER BY 1
"""


def openapi_json() -> str:
    """Give the OpenAPI document the application serves."""
    return json.dumps(_openapi(), indent=2, ensure_ascii=False) + "\n"


async def tools_json() -> str:
    """Give the tools the MCP server lists."""
    server = create_mcp_server(_no_backend, secret=b"")
    tools = [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in await server.list_tools()
    ]
    return json.dumps(tools, indent=2, ensure_ascii=False) + "\n"


def _no_backend() -> Backend:
    raise RuntimeError("a list of tools needs no backend")


def schema_sql(url: DatabaseUrl) -> str:
    """Give the schema of a migrated database, grants and policies included."""
    dump = subprocess.run(  # noqa: S603  # PostgreSQL's own program
        [binaries() / "pg_dump", "--schema-only", "--schema=public", "--no-owner", str(url)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # What depends on the server and not on the schema: versions, settings, and a key that is new each time.
    lines = [
        line for line in dump.splitlines() if not line.startswith(("--", "SET ", "SELECT pg_catalog", "\\"))
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def operations_block(prefixes: tuple[str, ...]) -> str:
    """Give the operations at addresses that begin like this as a table."""
    rows = ["| operation | request | success | refusals |", "| --- | --- | --- | --- |"]
    for path, operations in _openapi()["paths"].items():
        if not path.startswith(prefixes):
            continue
        for method, operation in operations.items():
            statuses = sorted(operation["responses"])
            rows.append(
                f"| `{operation['operationId']}` | `{method.upper()} {path}` "
                f"| {', '.join(status for status in statuses if status < '400')} "
                f"| {', '.join(status for status in statuses if status >= '400')} |"
            )
    return "\n".join(rows) + "\n"


async def tables_block(url: DatabaseUrl, tables: tuple[str, ...]) -> str:
    """Give columns, constraints, indexes and policies of tables as the catalogue knows them."""
    parts: list[str] = []
    async with connect(url) as connection:
        for table in tables:
            columns = [_column(dict(row)) for row in await connection.fetch(_COLUMNS, table)]
            rules = [
                f"| `{row['name']}` | `{_one_line(row['rule'])}` |"
                for row in await connection.fetch(_RULES, table)
            ]
            parts += [
                f"### `{table}`",
                "",
                "| column | type | null | value |",
                "| --- | --- | --- | --- |",
                *columns,
            ]
            parts += ["", "| rule | definition |", "| --- | --- |", *rules, ""]
    return "\n".join(parts)


def with_block(page: str, block: str) -> str:
    """Give a page with its generated block replaced; the prose stays."""
    return _BLOCK.sub(lambda found: found[1] + block + found[2], page)


def _openapi() -> dict[str, Any]:
    return create_app(
        Wiring(
            origin="http://localhost:8000",
            database_url="postgresql:///todo",
            listen_url=None,
            pool_size=1,
            schema_revision=head_revision(),
            secret=b"",
            issuer="",
            audience="",
            mcp_audience="",
            jwks_url="",
            auth_socket=None,
            limits=Limits(rate_limit=0, quota=0, batch_limit=100, agent_writes=0),
            runtime_folder=None,
            metrics_token=None,
            traces=False,
        )
    ).openapi()


def _column(row: Mapping[str, Any]) -> str:
    value = f"`{_one_line(row['value'])}`" if row["value"] else ""
    kind = " generated" if row["is_generated"] else ""
    return f"| `{row['name']}` | {row['type']} | {'no' if row['is_required'] else 'yes'} | {value}{kind} |"


def _one_line(definition: str) -> str:
    return re.sub(r"\s+", " ", definition).strip().replace("|", "\\|")


async def _write(url: DatabaseUrl) -> None:
    async with alone(url) as gate:
        await migrate(url, gate)
    (SPECS / "api/openapi.json").write_text(openapi_json(), encoding="utf-8")
    (SPECS / "api/tools.json").write_text(await tools_json(), encoding="utf-8")
    (SPECS / "database/schema.sql").write_text(schema_sql(url), encoding="utf-8")
    for noun, prefixes in NOUNS.items():
        _rewrite(SPECS / f"api/{noun}.md", operations_block(prefixes))
    for page, tables in TABLES.items():
        _rewrite(SPECS / f"database/{page}.md", await tables_block(url, tables))


def _rewrite(page: Path, block: str) -> None:
    page.write_text(with_block(page.read_text(encoding="utf-8"), block), encoding="utf-8")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "postgres").running() as server,
    ):
        asyncio.run(_write(server))
