"""The invoice of a paid order: one HTML page that stands alone and is ready to be printed.

Nothing is computed anew but the sums per tax rate: every figure is the stored order's own, exact to the minor unit.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.errors import Kind, Refusal
from shared.exchange_rates import rate_text
from shared.money import Money
from svc.orders.pricing import Explanation
from svc.orders.store.orders import StoredOrder

BASIS_POINTS_OF_PERCENT = 100

_TEMPLATES = Environment(
    loader=PackageLoader("svc.orders"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class OrderNotPaid(Refusal):
    """An invoice is written once the order is paid."""

    code = "order_not_paid"
    kind = Kind.CONFLICT


class TaxSum(msgspec.Struct, frozen=True):
    """What all lines of one tax rate are taxed on, and their tax."""

    rate_bp: int
    base_minor: int
    tax_minor: int


def invoice_of(order: StoredOrder, *, paid_at: datetime | None, issuer: Sequence[str]) -> str:
    """The page; `issuer` are the lines that name the shop. Raises `OrderNotPaid`."""
    if paid_at is None or order.facts.captured_minor is None:
        raise OrderNotPaid("there is an invoice once the order is paid", status=order.status.value)

    def money(amount_minor: int) -> str:
        return Money(amount_minor, order.currency).decimal_string

    return _TEMPLATES.get_template("invoice.html").render(
        order=order,
        paid_at=paid_at,
        issuer=list(issuer),
        taxes=tax_sums(order.explanation),
        refunded_minor=order.facts.refunded_minor,
        money=money,
        percent=_percent,
        rate=rate_text,
    )


def tax_sums(explanation: Sequence[Explanation]) -> list[TaxSum]:
    """Bases and taxes by rate, lowest rate first. Invariant: the taxes sum to the order's."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for step in explanation:
        if step.rule == "tax":
            assert step.rate_bp is not None, "a tax has a rate"
            sums[step.rate_bp][0] += step.base_minor
            sums[step.rate_bp][1] += step.amount_minor
    return [TaxSum(rate_bp, base, tax) for rate_bp, (base, tax) in sorted(sums.items())]


def _percent(rate_bp: int) -> str:
    """Basis points as per cent: 1900 is 19, 825 is 8.25."""
    whole, rest = divmod(rate_bp, BASIS_POINTS_OF_PERCENT)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")
