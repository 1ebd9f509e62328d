"""How an order stands, in the words several checkers share: sold, cancelled, or still open."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain

from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import OrderLineRow, OrderRow, PriceCorrectionRow
from scenarios.history import WantedLine
from shared.contracts.payments import PRICE_CORRECTION

PAID_STATUSES = frozenset(
    {"paid", "fulfilling", "shipped", "delivered", "completed", "partially_refunded", "cancelling"}
)
CANCELLED_STATUSES = frozenset({"cancelled", "payment_failed"})
OPEN_STATUSES = frozenset({"pending", "reserved"})
SHIPPED_STATUSES = frozenset({"shipped", "delivered", "completed"})


def is_cancelled(evidence: Evidence, order: OrderRow) -> bool:
    """Cancelled now, or cancelled before it was refunded."""
    return order.status in CANCELLED_STATUSES or order.id in evidence.cancelled_at


def was_taken_back(evidence: Evidence, order: OrderRow) -> bool:
    """Cancelled, or wholly paid back: its customer has neither goods to pay for nor money to get."""
    return is_cancelled(evidence, order) or order.status == "refunded"


def is_sold(evidence: Evidence, order: OrderRow) -> bool:
    """Paid, or refunded by a return: the units have left the stock."""
    paid = order.status in PAID_STATUSES or order.status == "refunded"
    return paid and not is_cancelled(evidence, order)


def was_ever_paid(evidence: Evidence, order: OrderRow) -> bool:
    return order.status in PAID_STATUSES or any(
        row.to_status == "paid" for row in evidence.transitions_of.get(order.id, ())
    )


def goods(lines: Iterable[OrderLineRow | WantedLine]) -> Counter[str]:
    """Units by SKU."""
    counted = Counter[str]()
    for line in lines:
        counted[line.sku] += line.quantity
    return counted


def units(evidence: Evidence, order_id: str, sku: str) -> int:
    """Units of `sku` in an order: by its stored lines, else as its client asked for them."""
    lines = evidence.lines_of.get(order_id)
    if lines is not None:
        return sum(line.quantity for line in lines if line.sku == sku)
    purchase = evidence.confirmed.get(order_id)
    return purchase.units(sku) if purchase else 0


def judged_skus(evidence: Evidence) -> list[str]:
    """The run's SKUs; those of its purchases when the runner named none."""
    if evidence.facts.skus:
        return sorted(evidence.facts.skus)
    lines: Iterable[str] = chain.from_iterable((line.sku for line in purchase.lines) for purchase in evidence.purchases)
    return sorted(set(lines))


def difference_owed(evidence: Evidence, correction: PriceCorrectionRow) -> tuple[int, int]:
    """What of too high a price was to go back, as far as it was still the shop's, and what did."""
    refunds = evidence.refunds_of.get(correction.order_id, ())
    back_minor = sum(
        row.amount_minor for row in refunds if row.reason == PRICE_CORRECTION and row.status == "succeeded"
    )
    left_minor = max(0, evidence.psp_account(correction.order_id).kept_minor + back_minor)
    return min(max(0, correction.difference_minor), left_minor), back_minor
