"""What a report may be about: data sets with their fields, those it groups by and those it sums."""

from typing import Final

import msgspec

from svc.analytics.domain.expressions.meaning import Kind
from svc.analytics.domain.figures import STAGE, STAGES

CURRENCY = "currency"


class Field(msgspec.Struct, frozen=True):
    """`sql` over the rows of the data set's view."""

    kind: Kind
    sql: str


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """`dimensions` tell rows of the view apart, `measures` are summed.

    `column` is a day (UTC), the first of a month, or a moment, by which a period is chosen.
    """

    view: str
    column: str = "day"
    is_moment: bool = False
    dimensions: dict[str, Field]
    measures: dict[str, Field]


def _days(sql: str = "day") -> dict[str, Field]:
    return {"day": Field(Kind.DAY, sql), "month": Field(Kind.DAY, f"date_trunc('month', {sql}::timestamp)::date")}


def _texts(*names: str) -> dict[str, Field]:
    return {name: Field(Kind.TEXT, name) for name in names}


def _money(*names: str) -> dict[str, Field]:
    return {name: Field(Kind.MONEY, f"{name}_minor") for name in names}


def _counts(*names: str) -> dict[str, Field]:
    return {name: Field(Kind.INTEGER, name) for name in names}


def _utc(column: str) -> str:
    return f"({column} AT TIME ZONE 'UTC')::date"


DATASETS: Final = {
    "orders": Dataset(
        view="order_statuses",
        column="placed_at",
        is_moment=True,
        dimensions=_days(_utc("placed_at")) | _texts("status", CURRENCY, "country"),
        measures={"orders": Field(Kind.INTEGER, "1")} | _money("total", "paid", "refunded"),
    ),
    "revenue": Dataset(
        view="revenue_shown",
        dimensions=_days() | _texts(CURRENCY),
        measures={"payments": Field(Kind.INTEGER, "orders")} | _money("paid", "refunded"),
    ),
    "products": Dataset(
        view="products_shown",
        dimensions=_days() | _texts(CURRENCY, "sku", "title", "category"),
        measures=_counts("orders", "units") | _money("revenue"),
    ),
    "refunds": Dataset(
        view="refunds_shown",
        dimensions=_days() | _texts(CURRENCY, "reason"),
        measures=_counts("refunds", "failed") | _money("refunded"),
    ),
    "stock": Dataset(
        view="stock_shown",
        dimensions=_days() | _texts("sku", "warehouse"),
        measures=_counts("received", "sold", "returned"),
    ),
    "checkouts": Dataset(
        view="journeys_shown",
        column="began_at",
        is_moment=True,
        dimensions=_days(_utc("began_at")),
        measures={stage: Field(Kind.INTEGER, f"(reached & {STAGE[stage]} > 0)::integer") for stage in STAGES},
    ),
    "customers": Dataset(
        view="customers_shown",
        column="month",
        dimensions={"month": Field(Kind.DAY, "month")} | _texts(CURRENCY),
        measures=_counts("orders") | _money("paid"),
    ),
}
"""By the name that a report uses."""
