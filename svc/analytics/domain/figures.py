"""The figures of the shop: every projection, what its rows are about and what they hold.

Amounts are minor units of the row's currency; a day is the UTC day on which something happened, however late it
is told.
"""

from typing import Final

from svc.analytics.domain.projections import VERSION, Column, Merge, Projection

STATUSES: Final = ("placed", "paid", "shipped", "completed", "refunded", "cancelled")
RANK: Final = {status: rank for rank, status in enumerate(STATUSES, start=1)}
"""Later in an order's life is higher; the highest seen wins, so a late fact never turns a status back."""

STAGES: Final = ("held", "placed", "paid", "shipped", "completed", "released", "refunded", "cancelled")
STAGE: Final = {stage: 1 << place for place, stage in enumerate(STAGES)}
"""What an order passed on its way, as bits: one that was paid and then cancelled has both."""


def _sum(name: str) -> Column:
    return Column(name, "bigint", Merge.SUM, 0)


def _newest(name: str) -> Column:
    return Column(name, "text", Merge.NEWEST)


_VERSION = Column(VERSION, "bigint", Merge.GREATEST, 0)

ORDERS: Final = Projection(
    "order_facts",
    {"order_id": "uuid"},
    (
        Column("rank", "integer", Merge.GREATEST, 0),
        Column("total_minor", "bigint", Merge.NEWEST),
        _newest("currency"),
        _sum("paid_minor"),
        _sum("refunded_minor"),
        Column("placed_at", "timestamptz", Merge.LEAST),
        _VERSION,
        Column("country", "text", Merge.GREATEST),
    ),
)
"""Each order: where it stands, its total by its newest event, its money by the payments; `country` it went to."""

REVENUE: Final = Projection(
    "revenue_daily",
    {"day": "date", "currency": "text"},
    (_sum("orders"), _sum("paid_minor"), _sum("refunded_minor"), _sum("late_events")),
)
"""Money captured and given back; `late_events` of the day were told an hour or more after they happened."""

JOURNEYS: Final = Projection(
    "order_journeys",
    {"order_id": "uuid"},
    (Column("began_at", "timestamptz", Merge.LEAST), Column("reached", "integer", Merge.BITS, 0)),
)
"""Each checkout from the hold of its goods on, and what it reached, by STAGE."""

PRODUCTS: Final = Projection(
    "product_daily",
    {"day": "date", "currency": "text", "sku": "text"},
    (Column("product_id", "uuid", Merge.GREATEST), _sum("orders"), _sum("units"), _sum("revenue_minor")),
)
"""What was paid for: lines before tax, shipping and the order's discounts, on the day their order was paid."""

TITLES: Final = Projection("product_titles", {"product_id": "uuid"}, (_newest("title"), _newest("category"), _VERSION))
"""What a product is called and where it stands in the catalog, by its newest event."""

REFUNDS: Final = Projection(
    "refunds_daily",
    {"day": "date", "currency": "text", "reason": "text"},
    (_sum("refunds"), _sum("refunded_minor"), _sum("failed")),
)
"""Money given back, and refunds that will never happen, by what was said as the reason."""

STOCK: Final = Projection(
    "stock_daily",
    {"day": "date", "sku": "text", "warehouse": "text"},
    (_sum("received"), _sum("sold"), _sum("returned")),
)
"""Units that came in (or were counted away), left sold, and came back; their sum up to a day is what lay there."""

CUSTOMERS: Final = Projection(
    "customer_months",
    {"customer_id": "uuid", "month": "date", "currency": "text"},
    (_sum("orders"), _sum("paid_minor")),
)
"""What a customer ordered and paid in a month, which the 1st stands for."""

ACTIVITY: Final = Projection(
    "activity_minutes",
    {"minute": "timestamptz", "type": "text", "currency": "text"},
    (_sum("events"), _sum("amount_minor")),
)
"""Events of each type by the minute, with their money where they move some; only the last day is shown and kept."""

PROJECTIONS: Final = (ORDERS, REVENUE, JOURNEYS, PRODUCTS, TITLES, REFUNDS, STOCK, CUSTOMERS, ACTIVITY)
