"""What a report asks for, and what that means over its data set."""

from typing import Annotated, Literal

import msgspec

from shared.errors import Refusal
from svc.analytics.domain.datasets import CURRENCY, DATASETS, Dataset
from svc.analytics.domain.expressions.meaning import Kind, Meaning, meaning
from svc.analytics.domain.expressions.refusal import InvalidExpression
from svc.analytics.domain.expressions.syntax import parse

COLUMNS_MAX = 10
GROUPS_MAX = 4

Text = Annotated[str, msgspec.Meta(max_length=2_000)]
"""Of an expression; its own, smaller bound is refused with a position."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*(?![\s\S])")]


class InvalidReport(Refusal):
    """The parts of a report do not fit together; `field` names the one that does not."""

    code = "invalid_report"


class ColumnWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure: an expression over the sums of the data set's measures."""

    name: Name
    expression: Text


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`where` chooses rows by their dimensions, `having` groups by their sums; `order_by` names a group or a column."""

    dataset: Literal["orders", "revenue", "products", "refunds", "stock", "checkouts", "customers"]
    columns: Annotated[list[ColumnWanted], msgspec.Meta(min_length=1, max_length=COLUMNS_MAX)]
    group_by: Annotated[list[Name], msgspec.Meta(max_length=GROUPS_MAX)] = []
    where: Text = ""
    having: Text = ""
    order_by: Annotated[str, msgspec.Meta(max_length=40)] = ""
    descending: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A definition that was understood; `order_by` is a place among groups and columns, from 1."""

    dataset: Dataset
    group_by: tuple[str, ...]
    columns: tuple[tuple[str, Meaning], ...]
    where: Meaning | None
    having: Meaning | None
    order_by: int
    descending: bool

    @property
    def names(self) -> list[str]:
        """The heads of the columns, groups first."""
        return [*self.group_by, *(name for name, _ in self.columns)]

    @property
    def kinds(self) -> list[Kind]:
        """What each column holds."""
        groups = (self.dataset.dimensions[name].kind for name in self.group_by)
        return [*groups, *(column.kind for _, column in self.columns)]


def understood(definition: Definition) -> Query:
    """What the definition means. Raises `InvalidReport`, `InvalidExpression`."""
    dataset = DATASETS[definition.dataset]
    dimensions = {name: field.kind for name, field in dataset.dimensions.items()}
    measures = {name: field.kind for name, field in dataset.measures.items()}
    for name in definition.group_by:
        if name not in dimensions:
            raise InvalidReport(f"“{name}” is none of {', '.join(dimensions)}", field="group_by")
    columns = tuple(
        (column.name, _column(column.expression, measures, field=f"columns[{place}].expression"))
        for place, column in enumerate(definition.columns)
    )
    query = Query(
        dataset=dataset,
        group_by=tuple(definition.group_by),
        columns=columns,
        where=_truth(definition.where, dimensions, field="where"),
        having=_truth(definition.having, measures, field="having"),
        order_by=_place(definition),
        descending=definition.descending,
    )
    _check_currency(query)
    return query


def _place(definition: Definition) -> int:
    names = [*definition.group_by, *(column.name for column in definition.columns)]
    if len(set(names)) < len(names):
        raise InvalidReport("each group and column has a name of its own", field="columns")
    if definition.order_by and definition.order_by not in names:
        raise InvalidReport(f"“{definition.order_by}” is none of {', '.join(names)}", field="order_by")
    return names.index(definition.order_by) + 1 if definition.order_by else 1


def _check_currency(query: Query) -> None:
    """Amounts of two currencies are never added up."""
    sums = [*(column for _, column in query.columns), *([query.having] if query.having else [])]
    used = set[str]().union(*(part.fields() for part in sums))
    if CURRENCY not in query.group_by and any(query.dataset.measures[name].kind is Kind.MONEY for name in used):
        raise InvalidReport("a report with money is grouped by currency", field="group_by")


def _column(expression: str, measures: dict[str, Kind], *, field: str) -> Meaning:
    found = _meaning(expression, measures, field=field)
    if found.kind not in {Kind.MONEY, Kind.INTEGER, Kind.NUMBER}:
        raise InvalidExpression("a figure is a number or money", position=0).of(field)
    return found


def _truth(expression: str, fields: dict[str, Kind], *, field: str) -> Meaning | None:
    if not expression:
        return None
    found = _meaning(expression, fields, field=field)
    if found.kind is not Kind.TRUTH:
        raise InvalidExpression("a condition is true or false", position=0).of(field)
    return found


def _meaning(expression: str, fields: dict[str, Kind], *, field: str) -> Meaning:
    try:
        return meaning(parse(expression), fields)
    except InvalidExpression as refusal:
        raise refusal.of(field) from None
