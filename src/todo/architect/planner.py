"""PostgreSQL's planner as the judge of queries.

Its costs are no argument, only the kinds of its nodes: it is forbidden to scan and to sort, so where it does
so all the same there is no index that serves.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from todo.architect.verdict import Seen
from todo.database.engine import Connection

# One page of the heaviest owner reads 4 to 40 of these by an index, hundreds by a sort.
BUFFER_BUDGET = 60
_STRICT = "; ".join(
    f"SET LOCAL enable_{method} = off" for method in ("seqscan", "sort", "incremental_sort", "bitmapscan")
)
_SHOWN = ("Relation Name", "Index Name", "Index Cond", "Filter", "Sort Key")


class Plan(NamedTuple):
    """How PostgreSQL means to run a statement, by its steps."""

    nodes: list[dict[str, Any]]

    @classmethod
    def of(cls, root: dict[str, Any]) -> "Plan":
        return cls([root, *(node for part in root.get("Plans", []) for node in cls.of(part).nodes)])

    @property
    def tables(self) -> set[str]:
        return {node["Relation Name"] for node in self.nodes if "Relation Name" in node}

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    def pages(self) -> list["Plan"]:
        """Give the parts of it that give a stretch of the rows, not all of them."""
        return [Plan.of(node) for node in self.nodes if node["Node Type"] == "Limit"]

    @property
    def gives_rows(self) -> bool:
        return bool(self.nodes[0]["Node Type"] != "Aggregate")

    def scans(self, owners: Mapping[str, str]) -> Iterator[str]:
        """Say where a table is read without an index, or through other people's rows."""
        for node in self.nodes:
            table = node.get("Relation Name", "")
            if table in owners and node["Node Type"] == "Seq Scan":
                yield f"scans all of {table}"
            elif table in owners and "Index Name" in node and owners[table] not in node.get("Index Cond", ""):
                yield f"walks other people's rows in {node['Index Name']}"

    def sorts(self) -> Iterator[str]:
        """Say what is sorted instead of read in order."""
        sorted_by = (node["Sort Key"] for node in self.nodes if "Sort" in node["Node Type"])
        yield from (f"sorts all rows of the owner by [{', '.join(keys)}]" for keys in sorted_by)

    def thrown_away(self, columns: set[str]) -> Iterator[str]:
        """Say by which of these columns rows are thrown away after an index has given them."""
        filtered = re.findall(r"\w+", " ".join(node.get("Filter", "") for node in self.nodes))
        for column in sorted(columns & set(filtered)):
            yield f"reads rows by {', '.join(sorted(self.indexes))} and throws them away by {column}"

    def judged(self, where: str, faults: list[str]) -> Iterator[Seen]:
        """Say what the rules have against it; a page that is served must touch little as well."""
        yield from (Seen("IDX-1", where, fault, str(self)) for fault in faults or [""])
        root = self.nodes[0]
        if root["Node Type"] == "Limit" and not faults:
            touched = root.get("Shared Hit Blocks", 0) + root.get("Shared Read Blocks", 0)
            fault = f"touches {touched} buffers" if touched > BUFFER_BUDGET else ""
            yield Seen("IDX-3", where, fault, str(self))

    def __str__(self) -> str:
        return " > ".join(
            node["Node Type"] + "".join(f" [{name}: {node[name]}]" for name in _SHOWN if name in node)
            for node in self.nodes
        )


async def be_strict(connection: Connection, person: object = None) -> None:
    """Until the end of the transaction, scan and sort only where nothing else can be done."""
    await connection.execute(_STRICT)
    if person is not None:
        await connection.execute(f"SET LOCAL app.user_id = '{person}'")


async def explain(connection: Connection, sql: str, arguments: Any = (), *, run: bool = False) -> Plan:
    """Ask for the plan of a statement; `run` it to see what it touches."""
    options = "ANALYZE, BUFFERS, TIMING off, FORMAT json" if run else "FORMAT json"
    async with connection.transaction():
        text = await connection.fetchval(f"EXPLAIN ({options}) {sql}", *arguments)
    return Plan.of(json.loads(text)[0]["Plan"])
