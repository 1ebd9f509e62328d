"""Rows of figures: added to, copied from the base and swept away, for every projection by the same statements."""

from collections.abc import Mapping
from functools import cache

from shared.pruning import Rule
from shared.unit_of_work import Connection
from svc.analytics.domain.figures import PROJECTIONS
from svc.analytics.domain.projections import VERSION, Column, Fold, Key, Merge, Projection, Values
from svc.analytics.store.generations import BASE

FORGOTTEN_MINUTES = Rule("activity_minutes", "minute < clock_timestamp() - interval '2 days'")
"""Nobody is shown more than the last day of them."""

_SQL_OF = {
    Merge.SUM: "fact.{0} + excluded.{0}",
    Merge.BITS: "fact.{0} | excluded.{0}",
    Merge.LEAST: "LEAST(fact.{0}, excluded.{0})",
    Merge.GREATEST: "GREATEST(fact.{0}, excluded.{0})",
    Merge.NEWEST: (
        f"CASE WHEN excluded.{VERSION} > fact.{VERSION} THEN excluded.{{0}} "
        f"WHEN excluded.{VERSION} < fact.{VERSION} THEN fact.{{0}} ELSE GREATEST(fact.{{0}}, excluded.{{0}}) END"
    ),
}


async def add(connection: Connection, folded: Fold, *, generation: int) -> None:
    """Add a fold to the figures of one generation."""
    for projection in PROJECTIONS:
        if rows := folded.get(projection):
            await connection.execute(_upsert(projection), generation, *_by_column(projection, rows))


async def copy_base(connection: Connection, *, generation: int, rows_max: int) -> int:
    """Copy rows of the base that this generation lacks, up to so many; gives how many. Copied before any other row."""
    copied = 0
    for projection in PROJECTIONS:
        keys = ", ".join(projection.keys)
        last = await connection.fetchrow(
            f"SELECT {keys} FROM {projection.table} WHERE generation = $1 "  # noqa: S608 constants
            f"ORDER BY {_descending(projection)} LIMIT 1",
            generation,
        )
        done = await connection.execute(
            _copy(projection, after_a_row=last is not None), generation, rows_max - copied, *(last or ())
        )
        copied += int(done.rpartition(" ")[2])
        if copied == rows_max:
            break
    return copied


async def delete_before(connection: Connection, generation: int, *, rows_max: int) -> int:
    """Delete rows of older generations, up to so many of each projection; gives how many."""
    deleted = 0
    for projection in PROJECTIONS:
        done = await connection.execute(_delete(projection), generation, rows_max)
        deleted += int(done.removeprefix("DELETE "))
    return deleted


@cache
def _upsert(projection: Projection) -> str:
    types = [*projection.keys.values(), *(column.sql for column in projection.columns)]
    arrays = ", ".join(f"${place}::{sql}[]" for place, sql in enumerate(types, start=2))
    merged = ", ".join(f"{column.name} = {_merge_sql(column)}" for column in projection.columns)
    return (
        f"INSERT INTO {projection.table} AS fact (generation, {_columns(projection)}) "  # noqa: S608 constants
        f"SELECT $1, * FROM unnest({arrays}) "
        f"ON CONFLICT (generation, {', '.join(projection.keys)}) DO UPDATE SET {merged}"
    )


@cache
def _copy(projection: Projection, *, after_a_row: bool) -> str:
    keys = ", ".join(projection.keys)
    places = ", ".join(f"${place}" for place, _ in enumerate(projection.keys, start=3))
    after = f"AND ({keys}) > ({places}) " if after_a_row else ""
    return (
        f"INSERT INTO {projection.table} (generation, {_columns(projection)}) "  # noqa: S608 constants
        f"SELECT $1, {_columns(projection)} FROM {projection.table} "
        f"WHERE generation = {BASE} {after}ORDER BY {keys} LIMIT $2"
    )


@cache
def _delete(projection: Projection) -> str:
    table = projection.table
    return (
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 constants
        f"SELECT ctid FROM {table} WHERE generation > {BASE} AND generation < $1 LIMIT $2))"
    )


def _columns(projection: Projection) -> str:
    return ", ".join([*projection.keys, *(column.name for column in projection.columns)])


def _descending(projection: Projection) -> str:
    return ", ".join(f"{key} DESC" for key in projection.keys)


def _merge_sql(column: Column) -> str:
    return _SQL_OF[column.merge].format(column.name)


def _by_column(projection: Projection, rows: Mapping[Key, Values]) -> list[list[object]]:
    """The rows in the order of their keys, as one list per column."""
    ordered = sorted(rows.items())
    return [
        *([key[place] for key, _ in ordered] for place, _ in enumerate(projection.keys)),
        *([values[place] for _, values in ordered] for place, _ in enumerate(projection.columns)),
    ]
