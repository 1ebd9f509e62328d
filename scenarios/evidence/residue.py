"""What was wrong on a fleet before a run and says no more when it came to be: sums, and orders without a date.

All else that was there before is told by its time, see `scope`.
"""

from collections import defaultdict

import msgspec

from scenarios.evidence.views import AuditTables


class Residue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By currency, what analytics' daily revenue had beyond the figures of its orders: paid and refunded, minor units.

    `undated_orders` are those that analytics counted without knowing when they were placed.
    """

    revenue: dict[str, tuple[int, int]] = {}
    undated_orders: list[str] = []


def residue_of(tables: AuditTables) -> Residue:
    """From the figures and the revenue of analytics; other tables are not needed."""
    paid_minor: dict[str, int] = defaultdict(int)
    refunded_minor: dict[str, int] = defaultdict(int)
    for sign, rows in ((1, tables.revenue_daily), (-1, tables.order_facts)):
        for row in rows:
            paid_minor[row.currency] += sign * row.paid_minor
            refunded_minor[row.currency] += sign * row.refunded_minor
    return Residue(
        revenue={
            currency: (paid_minor[currency], refunded_minor[currency])
            for currency in sorted(paid_minor)
            if paid_minor[currency] or refunded_minor[currency]
        },
        undated_orders=sorted(fact.order_id for fact in tables.order_facts if fact.placed_at is None),
    )
