"""The schema as PostgreSQL's catalogue has it, as a design."""

import re
from typing import Any

from todo.architect.model import Column, ForeignKey, Index, SchemaDesign, Table
from todo.database.engine import Connection

_TABLES = """
SELECT oid, relname AS name, relrowsecurity AS row_security FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
 ORDER BY relname
"""
_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS is_required,
       pg_get_expr(adbin, adrelid) AS value, attgenerated = 's' AS is_generated
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_CONSTRAINTS = """
SELECT contype::text AS kind, pg_get_constraintdef(oid) AS rule, confrelid::regclass::text AS other,
       confdeltype::text AS on_delete,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(num, place)
               JOIN pg_attribute ON attrelid = conrelid AND attnum = num ORDER BY place) AS columns,
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k(num, place)
               JOIN pg_attribute ON attrelid = confrelid AND attnum = num ORDER BY place) AS others
  FROM pg_constraint WHERE conrelid = $1 AND contype <> 'n' ORDER BY conname
"""
_INDEXES = """
SELECT relname AS name, amname AS method, indisunique AS is_unique,
       pg_get_expr(indpred, indrelid) AS predicate,
       ARRAY(SELECT pg_get_indexdef(indexrelid, n, true)
                 || CASE WHEN indoption[n - 1] & 1 = 1 THEN ' DESC' ELSE '' END
               FROM generate_series(1, indnkeyatts) AS n) AS columns
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
 WHERE indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY relname
"""
_POLICIES = """
SELECT qual FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
  JOIN pg_policies ON policyname = polname AND tablename = relname WHERE polrelid = $1
"""
_OWNER = re.compile(r"\((\w+) = \(NULLIF\(current_setting\('app\.user_id'")
_LONGEST = re.compile(r"char_length\((\w+)\) <= (\d+)")
_ONE_OF = re.compile(r"\(?(\w+) = ANY \(ARRAY\[(.+?)\]\)")
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
_ON_DELETE: dict[str, Any] = {"c": "CASCADE", "r": "RESTRICT", "n": "SET NULL"}


async def read_schema(connection: Connection) -> SchemaDesign:
    """Give every table of ours."""
    rows = await connection.fetch(_TABLES)
    return SchemaDesign(tables=[await _table(connection, row) for row in rows])


async def _table(connection: Connection, row: Any) -> Table:
    constraints = await connection.fetch(_CONSTRAINTS, row["oid"])
    policies = [policy["qual"] or "" for policy in await connection.fetch(_POLICIES, row["oid"])]
    owners = {found[1] for policy in policies if (found := _OWNER.search(policy))}
    lengths = {name: int(most) for rule in constraints for name, most in _LONGEST.findall(rule["rule"])}
    values = {
        name: re.findall(r"'([^']*)'", listed)
        for rule in constraints
        for name, listed in _ONE_OF.findall(rule["rule"])
    }
    return Table(
        name=row["name"],
        columns=[
            Column(
                name=column["name"],
                type=_SHORT.get(column["type"], column["type"]),
                nullable=not column["is_required"],
                default=column["value"],
                max_length=lengths.get(column["name"]),
                values=values.get(column["name"]),
                computed=column["is_generated"],
            )
            for column in await connection.fetch(_COLUMNS, row["oid"])
        ],
        primary_key=next((rule["columns"] for rule in constraints if rule["kind"] == "p"), []),
        unique=[rule["columns"] for rule in constraints if rule["kind"] == "u"],
        foreign_keys=[
            ForeignKey(
                columns=rule["columns"],
                table=rule["other"],
                references=rule["others"],
                on_delete=_ON_DELETE.get(rule["on_delete"]),
            )
            for rule in constraints
            if rule["kind"] == "f"
        ],
        indexes=[
            Index(
                name=index["name"],
                columns=index["columns"],
                unique=index["is_unique"],
                method=index["method"],
                predicate=index["predicate"],
            )
            for index in await connection.fetch(_INDEXES, row["oid"])
        ],
        owner=owners.pop() if len(owners) == 1 else None,
        row_security=row["row_security"] and bool(policies),
    )
