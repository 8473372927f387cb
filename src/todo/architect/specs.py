"""The pages under specs/: prose by people, and in each a part that the running system dictates."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from todo.architect.design import Design
from todo.architect.verdict import Seen
from todo.database.embedded import binaries
from todo.database.url import DatabaseUrl

BLOCK = "<!-- generated: start -->\n<!-- generated: end -->"
_BLOCK = re.compile(r"(<!-- generated: start -->\n).*?(<!-- generated: end -->)", re.DOTALL)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_DESIGN = re.compile(r"```json design\n(.*?)\n```", re.DOTALL)
_END = re.compile(r"(?<=;)\n+")
_HEAD = "| operation | request | success | refusals |\n| --- | --- | --- | --- |\n"
_STALE = "is not what the system says: todo architect specs"


class Facts(NamedTuple):
    """What the system says of itself."""

    openapi: dict[str, Any]
    tools: list[dict[str, Any]]
    schema_sql: str

    def contracts(self) -> dict[str, str]:
        """Give the files that are generated as a whole."""
        return {
            "specs/api/openapi.json": json.dumps(self.openapi, indent=2, ensure_ascii=False) + "\n",
            "specs/api/tools.json": json.dumps(self.tools, indent=2, ensure_ascii=False) + "\n",
            "specs/database/schema.sql": self.schema_sql,
        }

    def operations(self, prefixes: list[str]) -> dict[str, str]:
        """Give a line for each operation at addresses that begin like this."""
        lines = {}
        for path, operations in self.openapi["paths"].items():
            for method, operation in operations.items() if path.startswith(tuple(prefixes)) else ():
                name, statuses = f"{method.upper()} {path}", sorted(operation["responses"])
                success = ", ".join(status for status in statuses if status < "400")
                refusals = ", ".join(status for status in statuses if status >= "400")
                lines[name] = f"| `{operation['operationId']}` | `{name}` | {success} | {refusals} |\n"
        return lines

    def table(self, name: str) -> str:
        """Give the statements that are about a table."""
        # A statement may hold empty lines, in what it says of a text.
        parts = (part for part in _END.split(self.schema_sql.strip()) if f"public.{name}" in part)
        about = [part for part in parts if re.findall(r"public\.(\w+)", part)[0] == name]
        return "```sql\n" + "\n".join(about) + "\n```\n" if about else ""


class Page(NamedTuple):
    """One page; `covers` are the addresses it is about (each with what begins like it), or the tables."""

    path: Path
    text: str
    status: str
    feature: str | None
    covers: list[str]
    design: Design | None

    @classmethod
    def read(cls, path: Path) -> "Page":
        """Read a page; raises pydantic's `ValidationError` when the design in it is none."""
        text = path.read_text(encoding="utf-8")
        front, design = _FRONT.match(text), _DESIGN.search(text)
        said = dict(line.split(": ", 1) for line in front[1].splitlines() if ": " in line) if front else {}
        proposed = Design.model_validate_json(design[1]) if design else None
        covers = said.get("covers", "").split()
        return cls(path, text, said.get("status", ""), said.get("feature"), covers, proposed)

    def names(self, facts: Facts) -> list[str]:
        """Give the operations or the tables that it is about."""
        return [*facts.operations(self.covers)] if self.path.parent.name == "api" else self.covers

    def wanted(self, facts: Facts) -> str:
        """Give the text with its generated part as the system says it; the prose stays."""
        block = "".join(map(facts.table, self.covers))
        if self.path.parent.name == "api":
            block = _HEAD + "".join(facts.operations(self.covers).values())
        return _BLOCK.sub(lambda found: found[1] + block + found[2], self.text)

    def is_served(self, live: Design) -> bool:
        """Whether the running system has every endpoint of its design, with its members."""
        wanted = _members(self.design) if self.design else set()
        return bool(wanted) and wanted <= _members(live)


def _members(design: Design) -> set[tuple[str, str]]:
    fields = {(one.name, it.name) for one in design.api.endpoints for it in [*one.request, *one.response]}
    return fields | {(one.name, "") for one in design.api.endpoints}


def pages_of(root: Path) -> list[Page]:
    """Give every page of a project that has a generated part or a design."""
    pages = [Page.read(path) for path in sorted((root / "specs").rglob("*.md"))]
    return [page for page in pages if _FRONT.match(page.text) or _BLOCK.search(page.text)]


def out_of_date(root: Path, facts: Facts, pages: list[Page]) -> dict[Path, str]:
    """Give what differs from what the system says, and the text it ought to have."""
    wanted = {root / name: text for name, text in facts.contracts().items()}
    wanted |= {page.path: page.wanted(facts) for page in pages if page.status == "live"}
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def write(root: Path, facts: Facts, live: Design) -> list[str]:
    """Write what is out of date anew, and give the names of those files; what is served becomes live."""
    pages = pages_of(root)
    served = {page.feature for page in pages if page.is_served(live)}
    for place, page in enumerate(pages):
        if page.status == "proposed" and page.feature in served:
            text = page.text.replace("status: proposed\n", "status: live\n", 1)
            pages[place] = page._replace(status="live", text=text)
    stale = out_of_date(root, facts, pages)
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in stale]


def judged(root: Path, facts: Facts, live: Design, tables: list[str], refused: set[Path]) -> Iterator[Seen]:
    """Say what pages and contracts claim that is not so; `refused` are those whose design was."""
    pages = pages_of(root)
    stale = {path.relative_to(root).as_posix() for path in out_of_date(root, facts, pages)}
    for name in facts.contracts():
        yield Seen("SPEC-3", name, _STALE if name in stale else "")
    for name in [*(one.name for one in live.api.endpoints), *tables]:
        covering = [page for page in pages if page.status == "live" and name in page.names(facts)]
        # A feature may add to what has a page already.
        count = len([page for page in covering if not page.feature] or covering)
        yield Seen("SPEC-1", name, "" if count == 1 else f"is in {count or 'no'} live specifications")
    served = {page.feature for page in pages if page.is_served(live)}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    for page in pages:
        name = page.path.relative_to(root).as_posix()
        if page.status == "live":
            yield Seen("SPEC-1", name, _STALE if name in stale else "")
        faults = [*_faults(page, tests, is_served=page.feature in served)]
        faults += ["its design does not verify any more: todo architect verify"] * (page.path in refused)
        yield from (Seen("SPEC-2", name, fault) for fault in faults or [""])


def _faults(page: Page, tests: str, *, is_served: bool) -> Iterator[str]:
    if page.status not in {"live", "proposed"}:
        yield f"its status is {page.status or 'missing'}, neither live nor proposed"
    if page.status == "proposed" and is_served:
        yield "everything it proposes is served: its status is live"
    if page.status == "live" and page.design:
        named = (name for it in page.design.tests for name in [*it.unit, *it.integration, *it.edge])
        yield from (
            f"names the test {name}, and there is none" for name in named if f"def {name}(" not in tests
        )


def schema_sql(url: DatabaseUrl) -> str:
    """Give the schema of a migrated database, grants and policies included."""
    options = ("--schema-only", "--schema=public", "--no-owner", str(url))
    dumping = [str(binaries() / "pg_dump"), *options]
    dump = subprocess.run(dumping, capture_output=True, text=True, check=True).stdout  # noqa: S603  # PostgreSQL's own program
    # What depends on the server and not on the schema: versions, settings, and a key that is new each time.
    passing = ("--", "SET ", "SELECT pg_catalog", "\\")
    lines = [line for line in dump.splitlines() if not line.startswith(passing)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
