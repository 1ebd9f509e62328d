"""Turns the one row of each kind that a service holds into many, whatever its tables are.

Ids that are `kept` stay: copies belong to the same customer, or to the same order. All other ids are new ones, the same
new one wherever a copy names it, so that copies belong together as their originals do.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TABLES = """
    SELECT c.oid::regclass::text AS name,
        array_agg(a.attname ORDER BY a.attnum) FILTER (
            WHERE a.attgenerated = '' AND a.attidentity = ''
            AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> ALL('{alembic_version,inbox,dead_letters}') GROUP BY c.oid
"""
_UNIQUE = """
    SELECT (
        SELECT array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    )
    FROM pg_index i WHERE i.indrelid = $1::text::regclass AND i.indisunique
"""

REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)
Row = dict[str, Any]
MANY = 20
"""Rows of a table that is as its migrations made it, and stays so."""
APART = 10_000
"""Between the numbers of copies that keep different ids."""


async def multiply(
    connection: asyncpg.Connection, originals: Mapping[str, Sequence[Row]], copies: range, *kept: Collection[str]
) -> None:
    """Add the numbered copies of every original row, once for each collection of ids that are `kept`.

    Without triggers and foreign keys: a copy of all is as consistent as all. What a constraint refuses stays single.
    """
    await connection.execute("SET session_replication_role = replica")
    for table in await connection.fetch(_TABLES):
        rows = originals.get(table["name"], ())
        if 0 < len(rows) < MANY:
            unique = [columns for (columns,) in await connection.fetch(_UNIQUE, table["name"]) if columns]
            made = [
                _copy(row, unique, ids, n + which * APART)
                for which, ids in enumerate(kept)
                for n in copies
                for row in rows
            ]
            await _insert(connection, table["name"], table["columns"] or [], made)
    await connection.execute("ANALYZE")


async def every_row(connection: asyncpg.Connection) -> dict[str, list[Row]]:
    """All rows by table."""
    found: dict[str, list[Row]] = {}
    for table in await connection.fetch(_TABLES):
        rows = await connection.fetch(f"SELECT to_jsonb(it)::text FROM {table['name']} it")  # noqa: S608 its own names
        found[table["name"]] = [json.loads(row) for (row,) in rows]
    return found


async def _insert(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    statement = (
        f"INSERT INTO {table} ({names}) SELECT {names} "  # noqa: S608 its own names
        f"FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb) ON CONFLICT DO NOTHING"
    )
    try:
        await connection.execute(statement, json.dumps(rows))
    except REFUSED:
        for row in rows:
            try:
                await connection.execute(statement, json.dumps([row]))
            except REFUSED:
                continue


def _copy(row: Row, unique: Sequence[Sequence[str]], kept: Collection[str], n: int) -> Row:
    def renamed(found: re.Match[str]) -> str:
        return found[0] if found[0] in kept else str(uuid5(NAMESPACE_URL, f"{found[0]}/{n}"))

    made: Row = json.loads(_UUID.sub(renamed, json.dumps(row)))
    for columns in unique:
        same = [name for name in columns if made[name] == row[name]]
        if len(same) == len(columns):
            others = {name: other for name in same if (other := _another(row[name], n)) != row[name]}
            for name in sorted(others, key=lambda name: not isinstance(row[name], str))[:1]:
                made[name] = others[name]
    return made


def _another(value: Any, n: int) -> Any:
    if isinstance(value, str) and not _DAY.match(value) and not _UUID.fullmatch(value):
        return f"{n}{value}" if "@" in value else f"{value}{n}"
    return value + n if isinstance(value, int) and not isinstance(value, bool) else value
