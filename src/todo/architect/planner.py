"""PostgreSQL's planner as the judge of queries.

Its costs are no argument, only the kinds of its nodes: it is forbidden to scan and to sort, so where it does
so all the same there is no index that serves.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from todo.database.engine import Connection

# One page of the heaviest owner reads 4 to 40 of these by an index, hundreds by a sort.
BUFFER_BUDGET = 60
_STRICT = "; ".join(
    f"SET LOCAL enable_{method} = off" for method in ("seqscan", "sort", "incremental_sort", "bitmapscan")
)


@dataclass(frozen=True)
class Plan:
    """How PostgreSQL means to run a statement."""

    root: dict[str, Any]

    def nodes(self) -> Iterator[dict[str, Any]]:
        """Give every node, from the top."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.get("Plans", []))

    @property
    def tables(self) -> frozenset[str]:
        """The tables it reads or writes."""
        return frozenset(node["Relation Name"] for node in self.nodes() if "Relation Name" in node)

    @property
    def indexes(self) -> frozenset[str]:
        """The indexes it reads."""
        return frozenset(node["Index Name"] for node in self.nodes() if "Index Name" in node)

    @property
    def buffers(self) -> int | None:
        """How many pages it touched, if it was run."""
        if "Shared Hit Blocks" not in self.root:
            return None
        return int(self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"])

    @property
    def is_page(self) -> bool:
        """Whether it gives a stretch of a table's rows."""
        return self.root["Node Type"] == "Limit" and bool(self.tables)

    def filtered(self, columns: set[str]) -> set[str]:
        """Give which columns are looked at after their rows have been read."""
        filters = " ".join(str(node.get("Filter", "")) for node in self.nodes())
        return columns & set(re.findall(r"\w+", filters))

    def scans(self, owners: Mapping[str, str]) -> Iterator[str]:
        """Say where a table is read without an index, or through other people's rows."""
        for node in self.nodes():
            owner = owners.get(node.get("Relation Name", ""))
            if owner is None:
                continue
            if node["Node Type"] == "Seq Scan":
                yield f"scans all of {node['Relation Name']}"
            elif node["Node Type"].startswith("Index") and owner not in str(node.get("Index Cond", "")):
                yield f"walks other people's rows in {node['Index Name']}"

    def sorts(self) -> Iterator[str]:
        """Say what is sorted instead of read in order."""
        for node in self.nodes():
            if "Sort" in node["Node Type"]:
                yield f"sorts all rows of the owner by [{', '.join(node['Sort Key'])}]"

    def __str__(self) -> str:
        shown = ("Relation Name", "Index Name", "Index Cond", "Filter", "Sort Key")
        return " > ".join(
            node["Node Type"] + "".join(f" [{name}: {node[name]}]" for name in shown if name in node)
            for node in self.nodes()
        )


async def be_strict(connection: Connection) -> None:
    """Until the end of the transaction, scan and sort only where nothing else can be done."""
    await connection.execute(_STRICT)


async def explain(connection: Connection, sql: str, arguments: Any = (), *, run: bool = False) -> Plan:
    """Ask for the plan of a statement; `run` it to see what it touches."""
    options = "ANALYZE, BUFFERS, TIMING off, FORMAT json" if run else "FORMAT json"
    text = await connection.fetchval(f"EXPLAIN ({options}) {sql}", *arguments)
    return Plan(json.loads(text)[0]["Plan"])
