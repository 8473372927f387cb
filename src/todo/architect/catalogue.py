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
SELECT attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable,
       pg_get_expr(adbin, adrelid) AS "default", attgenerated = 's' AS computed
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_CONSTRAINTS = """
SELECT conname AS name, contype::text AS kind, pg_get_constraintdef(oid) AS rule,
       confrelid::regclass::text AS other, confdeltype::text AS on_delete,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(num, place)
               JOIN pg_attribute ON attrelid = conrelid AND attnum = num ORDER BY place) AS columns,
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k(num, place)
               JOIN pg_attribute ON attrelid = confrelid AND attnum = num ORDER BY place) AS others
  FROM pg_constraint WHERE conrelid = $1 AND contype <> 'n' ORDER BY conname
"""
_INDEXES = """
SELECT relname AS name, amname AS method, indisunique AS "unique",
       substring(pg_get_indexdef(indexrelid) FROM ' USING .*$') AS rule,
       pg_get_expr(indpred, indrelid) AS predicate,
       ARRAY(SELECT pg_get_indexdef(indexrelid, n, true)
                 || CASE WHEN indoption[n - 1] & 1 = 1 THEN ' DESC' ELSE '' END
               FROM generate_series(1, indnkeyatts) AS n) AS columns
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
 WHERE indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY relname
"""
_POLICIES = """
SELECT policyname AS name, 'POLICY TO ' || array_to_string(roles, ', ') || ' USING ' || qual AS rule
  FROM pg_policies WHERE tablename = $1
"""
_OWNER = re.compile(r"\((\w+) = \(NULLIF\(current_setting\('app\.user_id'")
_LONGEST = re.compile(r"char_length\((\w+)\) <= (\d+)")
_ONE_OF = re.compile(r"\(?(\w+) = ANY \(ARRAY\[(.+?)\]\)")
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
_ON_DELETE: dict[str, Any] = {"c": "CASCADE", "r": "RESTRICT", "n": "SET NULL"}


async def read_schema(connection: Connection) -> SchemaDesign:
    """Give every table of ours."""
    tables = [dict(row) for row in await connection.fetch(_TABLES)]
    return SchemaDesign(tables=[await _table(connection, **table) for table in tables])


async def _table(connection: Connection, oid: int, name: str, *, row_security: bool) -> Table:
    async def rows(sql: str, of: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(sql, of)]

    constraints, indexes = await rows(_CONSTRAINTS, oid), await rows(_INDEXES, oid)
    policies = await rows(_POLICIES, name)
    owners = {found[1] for policy in policies if (found := _OWNER.search(policy["rule"] or ""))}
    checks = " ".join(one["rule"] for one in constraints if one["kind"] == "c")
    longest = {column: int(most) for column, most in _LONGEST.findall(checks)}
    values = {column: re.findall(r"'([^']*)'", listed) for column, listed in _ONE_OF.findall(checks)}
    return Table(
        name=name,
        columns=[
            Column(
                **{**column, "type": _SHORT.get(column["type"], column["type"])},
                max_length=longest.get(column["name"]),
                values=values.get(column["name"]),
            )
            for column in await rows(_COLUMNS, oid)
        ],
        primary_key=next((one["columns"] for one in constraints if one["kind"] == "p"), []),
        unique=[one["columns"] for one in constraints if one["kind"] == "u"],
        foreign_keys=[_foreign_key(one) for one in constraints if one["kind"] == "f"],
        indexes=[Index(**{part: one[part] for part in one if part != "rule"}) for one in indexes],
        owner=owners.pop() if len(owners) == 1 else None,
        row_security=row_security and bool(policies),
        definitions={one["name"]: one["rule"] for one in [*constraints, *indexes, *policies]},
    )


def _foreign_key(one: dict[str, Any]) -> ForeignKey:
    on_delete = _ON_DELETE.get(one["on_delete"])
    return ForeignKey(
        columns=one["columns"], table=one["other"], references=one["others"], on_delete=on_delete
    )
