"""The specifications under specs/: prose by people, and in each a part that the running system dictates."""

import json
import re
import subprocess
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from todo.architect.case import Looked, Page
from todo.architect.model import Column, Design, Table
from todo.database.embedded import binaries
from todo.database.url import DatabaseUrl

BLOCK = "<!-- generated: start -->\n<!-- generated: end -->"
_BLOCK = re.compile(r"(<!-- generated: start -->\n).*?(<!-- generated: end -->)", re.DOTALL)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_DESIGN = re.compile(r"```json design\n(.*?)\n```", re.DOTALL)
_OPERATIONS_HEAD = "| operation | request | success | refusals |\n| --- | --- | --- | --- |"
_LONG = {"timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone"}


@dataclass(frozen=True)
class Facts:
    """What the system says of itself: the contract files, and the parts that pages are made of."""

    openapi: dict[str, Any]
    tools: list[dict[str, Any]]
    schema_sql: str
    tables: dict[str, str]

    def contracts(self) -> dict[str, str]:
        """Give the files that are generated as a whole."""
        return {
            "specs/api/openapi.json": _json(self.openapi),
            "specs/api/tools.json": _json(self.tools),
            "specs/database/schema.sql": self.schema_sql,
        }

    def operations(self, prefixes: Iterable[str]) -> dict[str, str]:
        """Give a line for each operation at addresses that begin like this."""
        return {
            f"{method.upper()} {path}": _operation_line(method, path, operation)
            for path, operations in self.openapi["paths"].items()
            if path.startswith(tuple(prefixes))
            for method, operation in operations.items()
        }


@dataclass(frozen=True)
class SpecFile:
    """One page: its front matter, and its text."""

    path: Path
    front: Mapping[str, str]
    text: str

    @classmethod
    def read(cls, path: Path) -> "SpecFile":
        text = path.read_text(encoding="utf-8")
        found = _FRONT.match(text)
        lines = found[1].splitlines() if found else []
        return cls(path, dict(line.split(": ", 1) for line in lines if ": " in line), text)

    @property
    def status(self) -> str:
        """Whether it is live or proposed; empty where the page does not say."""
        return self.front.get("status", "")

    @property
    def feature(self) -> str | None:
        """The feature it was proposed for; none of the page of a resource."""
        return self.front.get("feature")

    @property
    def covers(self) -> list[str]:
        """The addresses it is about (each with what begins like it), or the tables."""
        return self.front.get("covers", "").split()

    @property
    def is_api(self) -> bool:
        """Whether it is about operations, not tables."""
        return self.path.parent.name == "api"

    @property
    def design(self) -> Design | None:
        found = _DESIGN.search(self.text)
        return Design.model_validate_json(found[1]) if found else None

    @property
    def tests(self) -> list[str]:
        """The names of the tests its design promises."""
        proofs = self.design.tests if self.design else []
        return [name for proof in proofs for name in [*proof.unit, *proof.integration, *proof.edge]]

    def with_facts(self, facts: Facts) -> str:
        """Give the text with its generated part as the system says it; the prose stays."""
        if self.is_api:
            block = "\n".join([_OPERATIONS_HEAD, *facts.operations(self.covers).values()]) + "\n"
        else:
            block = "".join(facts.tables.get(table, "") for table in self.covers)
        return _BLOCK.sub(lambda found: found[1] + block + found[2], self.text)


def spec_files(root: Path) -> list[SpecFile]:
    """Give every page of a project that has a generated part or a design."""
    pages = [SpecFile.read(path) for path in sorted((root / "specs").rglob("*.md"))]
    return [page for page in pages if page.front or _BLOCK.search(page.text)]


def pages_of(root: Path, facts: Facts, live: Design, refused: Container[Path]) -> list[Page]:
    """Give what the pages say, beside what the system says; `refused` are those whose design was."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    pages = spec_files(root)
    served, stale = _served(pages, live), out_of_date(root, facts)
    return [
        Page(
            path=page.path.relative_to(root).as_posix(),
            status=page.status,
            operations=tuple(facts.operations(page.covers)) if page.is_api else (),
            tables=() if page.is_api else tuple(page.covers),
            is_feature=page.feature is not None,
            is_current=page.path not in stale,
            is_verified=page.path not in refused,
            is_served=page.feature in served,
            missing_tests=tuple(name for name in page.tests if f"def {name}(" not in tests),
        )
        for page in pages
    ]


def _served(pages: Iterable[SpecFile], live: Design) -> set[str | None]:
    """Give the features whose whole design the running system has."""
    return {page.feature for page in pages if page.design is not None and is_served(page.design, live)}


def is_served(design: Design, live: Design) -> bool:
    """Whether the running system has every endpoint of a design with its members, and every column."""
    for endpoint in design.api.endpoints:
        there = live.endpoint(endpoint.name)
        known = {field.name for field in [*there.request, *there.response]} if there else set()
        wanted = {field.name for field in [*endpoint.request, *endpoint.response]}
        if there is None or not wanted <= known:
            return False
    for table in design.db.tables:
        kept = live.table(table.name)
        if kept is None or any(kept.column(column.name) is None for column in table.columns):
            return False
    return True


def write(root: Path, facts: Facts, live: Design) -> list[str]:
    """Write what is out of date anew, and give the names of those files; what is served becomes live."""
    pages = spec_files(root)
    served = _served(pages, live)
    for page in pages:
        if page.status == "proposed" and page.feature in served:
            text = page.text.replace("status: proposed\n", "status: live\n", 1)
            page.path.write_text(text, encoding="utf-8")
    stale = out_of_date(root, facts)
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in stale]


def out_of_date(root: Path, facts: Facts) -> dict[Path, str]:
    """Give what differs from what the system says, and the text it ought to have."""
    wanted = {root / name: text for name, text in facts.contracts().items()}
    wanted |= {page.path: page.with_facts(facts) for page in spec_files(root) if page.status == "live"}
    return {path: text for path, text in wanted.items() if _text_of(path) != text}


def contracts_of(root: Path, facts: Facts) -> list[Looked]:
    """Give the generated files, and whether each is what the system says."""
    stale, said = out_of_date(root, facts), "is not what the system says: todo architect specs"
    return [Looked(name, said if root / name in stale else "") for name in facts.contracts()]


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def facts_of(
    openapi: dict[str, Any], tools: list[dict[str, Any]], url: DatabaseUrl, tables: Iterable[Table]
) -> Facts:
    """Put together what the system says of itself; its schema is dumped from the database."""
    return Facts(openapi, tools, schema_sql(url), {table.name: _table_text(table) for table in tables})


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


def _operation_line(method: str, path: str, operation: Mapping[str, Any]) -> str:
    statuses = sorted(operation["responses"])
    return (
        f"| `{operation['operationId']}` | `{method.upper()} {path}` "
        f"| {', '.join(status for status in statuses if status < '400')} "
        f"| {', '.join(status for status in statuses if status >= '400')} |"
    )


def _table_text(table: Table) -> str:
    rules = sorted(table.definitions.items())
    return "\n".join(
        [
            f"### `{table.name}`\n\n| column | type | null | value |\n| --- | --- | --- | --- |",
            *map(_column, table.columns),
            "\n| rule | definition |\n| --- | --- |",
            *(f"| `{name}` | `{_one_line(rule)}` |" for name, rule in rules),
            "\n",
        ]
    )


def _column(column: Column) -> str:
    value = f"`{_one_line(column.default)}`" if column.default else ""
    kind, null = _LONG.get(column.type, column.type), "yes" if column.nullable else "no"
    return f"| `{column.name}` | {kind} | {null} | {value}{' generated' if column.computed else ''} |"


def _one_line(definition: str) -> str:
    return re.sub(r"\s+", " ", definition).strip().replace("|", "\\|")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
