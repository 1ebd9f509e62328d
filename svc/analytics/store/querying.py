"""Reports of people's own as SQL: constants of ours, and parameters for all that somebody wrote."""

from collections.abc import AsyncGenerator, Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from shared.csv_lines import Cell
from shared.currencies import CURRENCIES, exponent
from shared.unit_of_work import Connection
from svc.analytics.domain.datasets import CURRENCY, Dataset
from svc.analytics.domain.definitions import Query
from svc.analytics.domain.expressions.meaning import Kind, Meaning

ROWS_AT_ONCE = 500
FRACTION_DIGITS = 4
_PARAMETER_OF = {"number": "numeric", "text": "text", "day": "date"}
_SHOWN = {Kind.MONEY: "round({})", Kind.INTEGER: "round({})", Kind.NUMBER: f"round({{}}, {FRACTION_DIGITS})"}
"""Rounded once, at the end, halves away from zero; money to its currency's smallest unit."""


class Statement(msgspec.Struct, frozen=True):
    """A whole statement and its parameters."""

    sql: str
    parameters: list[Any]


def statement(query: Query, *, since: date, until: date, rows_max: int) -> Statement:
    """The rows of the query over a period, both days included, up to so many."""
    parameters: list[Any] = [since, until, rows_max]
    dimensions = {name: field.sql for name, field in query.dataset.dimensions.items()}
    sums = {name: f"COALESCE(sum({field.sql}), 0)" for name, field in query.dataset.measures.items()}
    groups = [dimensions[name] for name in query.group_by]
    figures = [_SHOWN[column.kind].format(_sql(column, sums, parameters)) for _, column in query.columns]
    conditions = [_within(query.dataset)]
    if query.where:
        conditions.append(_sql(query.where, dimensions, parameters))
    having = f"HAVING {_sql(query.having, sums, parameters)} " if query.having else ""
    order = [f"{query.order_by}{' DESC' if query.descending else ''} NULLS LAST"]
    order += [str(place) for place, _ in enumerate(groups, start=1)]
    return Statement(
        f"SELECT {', '.join([*groups, *figures])} FROM {query.dataset.view} "  # noqa: S608 constants and parameters
        f"WHERE {' AND '.join(conditions)} {_grouped(groups)}{having}ORDER BY {', '.join(order)} LIMIT $3",
        parameters,
    )


async def count(connection: Connection, asked: Statement) -> int:
    """How many rows the statement gives, up to its own bound."""
    return await connection.fetchval(f"SELECT count(*) FROM ({asked.sql}) AS asked", *asked.parameters)  # noqa: S608 the same


async def rows(connection: Connection, query: Query, asked: Statement) -> list[list[Cell]]:
    """All rows at once."""
    shown = _row_of(query)
    return [shown(row) for row in await connection.fetch(asked.sql, *asked.parameters)]


async def chunks(connection: Connection, query: Query, asked: Statement) -> AsyncGenerator[list[list[Cell]]]:
    """The rows as they come, a bounded number at a time, within the caller's transaction."""
    shown = _row_of(query)
    chunk: list[list[Cell]] = []
    async for row in connection.cursor(asked.sql, *asked.parameters, prefetch=ROWS_AT_ONCE):
        chunk.append(shown(row))
        if len(chunk) == ROWS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _within(dataset: Dataset) -> str:
    """The period, so said that an index of the column serves."""
    if not dataset.is_moment:
        return f"{dataset.column} BETWEEN $1 AND $2"
    return (
        f"{dataset.column} >= $1::date::timestamp AT TIME ZONE 'UTC' "
        f"AND {dataset.column} < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'"
    )


def _grouped(groups: list[str]) -> str:
    places = ", ".join(str(place) for place, _ in enumerate(groups, start=1))
    return f"GROUP BY {places} " if groups else ""


def _sql(part: Meaning, names: dict[str, str], parameters: list[Any]) -> str:
    """The part as SQL in brackets; what is divided by nothing is null."""
    if part.op in _PARAMETER_OF:
        parameters.append(part.value)
        return f"${len(parameters)}::{_PARAMETER_OF[part.op]}"
    if part.op == "field":
        return names[str(part.value)]
    inner = [_sql(one, names, parameters) for one in part.parts]
    template = _SQL_OF.get(part.op)
    return template(inner) if template else f"({f' {part.op.upper()} '.join(inner)})"


@cache
def _units_of_currency() -> str:
    """How many of the smallest unit make one of the row's currency."""
    cases = " ".join(f"WHEN '{code}' THEN {10 ** exponent(code)}" for code in sorted(CURRENCIES) if exponent(code) != 2)
    return f"(CASE {CURRENCY} {cases} ELSE 100 END)"


_SQL_OF: dict[str, Callable[[list[str]], str]] = {
    "negative": lambda inner: f"(-{inner[0]})",
    "not": lambda inner: f"(NOT {inner[0]})",
    "in": lambda inner: f"({inner[0]} IN ({', '.join(inner[1:])}))",
    "/": lambda inner: f"({inner[0]}::numeric / NULLIF({inner[1]}, 0))",
    "units": lambda inner: f"({inner[0]} * {_units_of_currency()})",
}
"""Of operators that do not stand between their parts."""


def _row_of(query: Query) -> Callable[[Any], list[Cell]]:
    kinds = query.kinds
    currency = query.group_by.index(CURRENCY) if CURRENCY in query.group_by else None

    def shown(row: Any) -> list[Cell]:
        code: str = "" if currency is None else row[currency] or ""
        return [_cell(value, kind, code) for value, kind in zip(row, kinds, strict=True)]

    return shown


def _cell(value: Any, kind: Kind, currency: str) -> Cell:
    if value is None:
        return None
    if kind is Kind.MONEY:
        return Decimal(value).scaleb(-exponent(currency))
    return int(value) if kind is Kind.INTEGER else value
