"""The pages under specs/: prose by people, and in each a part that the running system dictates."""

import json
import re
import subprocess
from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple

from todo.architect.design import Design
from todo.architect.evidence import Looked, Page
from todo.database.embedded import binaries
from todo.database.url import DatabaseUrl

BLOCK = "<!-- generated: start -->\n<!-- generated: end -->"
_BLOCK = re.compile(r"(<!-- generated: start -->\n).*?(<!-- generated: end -->)", re.DOTALL)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_DESIGN = re.compile(r"```json design\n(.*?)\n```", re.DOTALL)
_END = re.compile(r"(?<=;)\n+")
_HEAD = "| operation | request | success | refusals |\n| --- | --- | --- | --- |"


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
        return {
            f"{method.upper()} {path}": _line(f"{method.upper()} {path}", operation)
            for path, operations in self.openapi["paths"].items()
            if path.startswith(tuple(prefixes))
            for method, operation in operations.items()
        }

    def table(self, name: str) -> str:
        """Give the statements that are about a table."""
        # A statement may hold empty lines, in what it says of a text.
        parts = (part for part in _END.split(self.schema_sql.strip()) if f"public.{name}" in part)
        about = [part for part in parts if re.findall(r"public\.(\w+)", part)[0] == name]
        return "```sql\n" + "\n".join(about) + "\n```\n" if about else ""


class SpecFile(NamedTuple):
    """One page; `covers` are the addresses it is about (each with what begins like it), or the tables."""

    path: Path
    text: str
    status: str
    feature: str | None
    covers: list[str]
    design: Design | None

    @classmethod
    def read(cls, path: Path) -> "SpecFile":
        """Read a page; raises pydantic's `ValidationError` when the design in it is none."""
        text = path.read_text(encoding="utf-8")
        front, design = _FRONT.match(text), _DESIGN.search(text)
        said = dict(line.split(": ", 1) for line in front[1].splitlines() if ": " in line) if front else {}
        proposed = Design.model_validate_json(design[1]) if design else None
        return cls(
            path, text, said.get("status", ""), said.get("feature"), said.get("covers", "").split(), proposed
        )

    @property
    def is_api(self) -> bool:
        """Whether it is about operations, not tables."""
        return self.path.parent.name == "api"

    def with_facts(self, facts: Facts) -> str:
        """Give the text with its generated part as the system says it; the prose stays."""
        block = "".join(map(facts.table, self.covers))
        if self.is_api:
            block = "\n".join([_HEAD, *facts.operations(self.covers).values()]) + "\n"
        return _BLOCK.sub(lambda found: found[1] + block + found[2], self.text)


def spec_files(root: Path) -> list[SpecFile]:
    """Give every page of a project that has a generated part or a design."""
    pages = [SpecFile.read(path) for path in sorted((root / "specs").rglob("*.md"))]
    return [page for page in pages if _FRONT.match(page.text) or _BLOCK.search(page.text)]


def pages_of(root: Path, facts: Facts, live: Design, refused: Container[Path]) -> list[Page]:
    """Give what the pages say, beside what the system says; `refused` are those whose design was."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    files = spec_files(root)
    served, stale = _served(files, live), out_of_date(root, facts)

    def page(file: SpecFile) -> Page:
        proofs = file.design.tests if file.design else []
        named = [name for one in proofs for names in one.by_kind.values() for name in names]
        return Page(
            name=file.path.relative_to(root).as_posix(),
            status=file.status,
            covers=tuple(facts.operations(file.covers) if file.is_api else file.covers),
            is_feature=file.feature is not None,
            is_current=file.path not in stale,
            is_verified=file.path not in refused,
            is_served=file.feature in served,
            missing_tests=tuple(name for name in named if f"def {name}(" not in tests),
        )

    return [page(file) for file in files]


def _served(files: list[SpecFile], live: Design) -> set[str | None]:
    """Give the features whose whole design the running system has."""
    return {one.feature for one in files if one.design and is_served(one.design, live)}


def is_served(design: Design, live: Design) -> bool:
    """Whether the running system has every endpoint of a design with its members."""
    return bool(design.api.endpoints) and _named(design) <= _named(live)


def _named(design: Design) -> set[tuple[str, str]]:
    fields = {(one.name, it.name) for one in design.api.endpoints for it in [*one.request, *one.response]}
    return fields | {(one.name, "") for one in design.api.endpoints}


def write(root: Path, facts: Facts, live: Design) -> list[str]:
    """Write what is out of date anew, and give the names of those files; what is served becomes live."""
    files = spec_files(root)
    served = _served(files, live)
    for file in files:
        if file.status == "proposed" and file.feature in served:
            text = file.text.replace("status: proposed\n", "status: live\n", 1)
            file.path.write_text(text, encoding="utf-8")
    stale = out_of_date(root, facts)
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in stale]


def out_of_date(root: Path, facts: Facts) -> dict[Path, str]:
    """Give what differs from what the system says, and the text it ought to have."""
    wanted = {root / name: text for name, text in facts.contracts().items()}
    wanted |= {page.path: page.with_facts(facts) for page in spec_files(root) if page.status == "live"}
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def contracts_of(root: Path, facts: Facts) -> list[Looked]:
    """Give the generated files, and whether each is what the system says."""
    stale, said = out_of_date(root, facts), "is not what the system says: todo architect specs"
    return [Looked(name, said if root / name in stale else "") for name in facts.contracts()]


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


def _line(name: str, operation: dict[str, Any]) -> str:
    statuses = sorted(operation["responses"])
    success = ", ".join(status for status in statuses if status < "400")
    refusals = ", ".join(status for status in statuses if status >= "400")
    return f"| `{operation['operationId']}` | `{name}` | {success} | {refusals} |"
