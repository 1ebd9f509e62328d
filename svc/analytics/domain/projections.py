"""A projection as data: the key of its rows and how two facts about one row become one. Pure.

Every way of merging is commutative and associative, so that figures are a function of the set of events: late, shuffled
and rebuilt events give equal rows.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec


class Merge(StrEnum):
    """How two values of one column become one; None is the value of a fact that says nothing."""

    SUM = "sum"
    BITS = "bits"
    """Bit by bit: what was ever reached stays so."""
    LEAST = "least"
    GREATEST = "greatest"
    NEWEST = "newest"
    """That of the higher `version`, a column of the same row: a corrected event replaces what was told before."""


VERSION = "version"

Key = tuple[Any, ...]
Values = tuple[Any, ...]


class Column(msgspec.Struct, frozen=True):
    """A column of figures; `sql` is its type, `empty` what it holds before any fact says something."""

    name: str
    sql: str
    merge: Merge
    empty: Any = None


class Row(msgspec.Struct, frozen=True):
    """What one event adds to one row of a projection."""

    projection: "Projection"
    key: Key
    values: Values


class Projection(msgspec.Struct, frozen=True, eq=False):
    """A table of figures: `keys` (name → SQL type) tell its rows apart within a generation."""

    table: str
    keys: dict[str, str]
    columns: tuple[Column, ...]

    def row(self, *key: Any, **values: Any) -> Row:
        """What a fact says about the row with this key, by column; of all other columns it says nothing."""
        assert len(key) == len(self.keys), self.table
        assert values.keys() <= {column.name for column in self.columns}, self.table
        return Row(self, key, tuple(values.get(column.name, column.empty) for column in self.columns))

    def merged(self, one: Values, other: Values) -> Values:
        """Both facts as one."""
        newer = self._newer(one, other)
        return tuple(
            _merged(column.merge, mine, others, newer=newer)
            for column, mine, others in zip(self.columns, one, other, strict=True)
        )

    def _newer(self, one: Values, other: Values) -> int:
        """Above 0 when `other` is newer, below when `one` is."""
        place = _version_place(self)
        return 0 if place is None else other[place] - one[place]


@cache
def _version_place(projection: Projection) -> int | None:
    names = [column.name for column in projection.columns]
    return names.index(VERSION) if VERSION in names else None


Fold = dict[Projection, dict[Key, Values]]


def fold(rows: Iterable[Row]) -> Fold:
    """The sum of what events say, each of which must come once."""
    result: Fold = {}
    for row in rows:
        figures = result.setdefault(row.projection, {})
        before = figures.get(row.key)
        figures[row.key] = row.values if before is None else row.projection.merged(before, row.values)
    return result


def _merged(merge: Merge, one: Any, other: Any, *, newer: int) -> Any:
    if merge is Merge.NEWEST and newer:
        return other if newer > 0 else one
    if one is None or other is None:
        return other if one is None else one
    return _OF_TWO[merge](one, other)


_OF_TWO: dict[Merge, Callable[[Any, Any], Any]] = {
    Merge.SUM: lambda one, other: one + other,
    Merge.BITS: lambda one, other: one | other,
    Merge.LEAST: min,
    Merge.GREATEST: max,
    Merge.NEWEST: max,
}
