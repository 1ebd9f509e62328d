"""Promotions: what the shop takes off by itself, and how several of them stack.

Stated once: promotions are applied one after the other by priority, then by code. Each works on what the earlier ones
left of a line and never takes more than that. An exclusive one leaves alone every line that an earlier one touched, and
none after it touches a line that it did. All of this comes before a coupon, which works on what is left of the order.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.money import Money, Rounding, allocate, percentage
from svc.orders.pricing.model import Line

PROMOTION_ROUNDING = Rounding.HALF_UP
"""A percentage is rounded once per line."""


class PromotionKind(StrEnum):
    PERCENTAGE = "percentage"
    FIXED = "fixed"
    BUY_X_GET_Y = "buy_x_get_y"


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """`rate_bp` off each line, `amount_minor` off all together, or `free_units` of every `buy_units` + `free_units`.

    It reaches lines of `skus`, of all goods where none is named. `currency` is that of its amounts; orders in another
    one it does not apply to. `minimum_minor` is a subtotal before any discount.
    """

    code: str
    kind: PromotionKind
    priority: int
    exclusive: bool = False
    skus: tuple[str, ...] = ()
    rate_bp: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    buy_units: int | None = None
    free_units: int | None = None
    minimum_minor: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it is its time."""
        return (self.valid_from is None or self.valid_from <= now) and (
            self.valid_until is None or now < self.valid_until
        )


class Taken(msgspec.Struct, frozen=True):
    """What one promotion took off one line, of what was left of it."""

    promotion: Promotion
    line: int
    base: Money
    off: Money


def promotions_taken(
    promotions: Sequence[Promotion], lines: Sequence[Line], line_totals: Sequence[Money]
) -> list[Taken]:
    """What the promotions take off, in the order in which they do; all of them are in force.

    Invariant: of no line more than its total.
    """
    currency = line_totals[0].currency
    subtotal_minor = sum(total.amount_minor for total in line_totals)
    left = list(line_totals)
    touched, closed = set[int](), set[int]()
    taken: list[Taken] = []
    for promotion in sorted(promotions, key=lambda one: (one.priority, one.code)):
        if promotion.currency not in {None, currency} or subtotal_minor < promotion.minimum_minor:
            continue
        shut = closed | touched if promotion.exclusive else closed
        reached = [
            index
            for index, line in enumerate(lines)
            if index not in shut and (not promotion.skus or line.sku in promotion.skus)
        ]
        offs = _offs(promotion, [lines[index] for index in reached], [left[index] for index in reached])
        for index, off in zip(reached, offs, strict=True):
            if off:
                taken.append(Taken(promotion, index, left[index], off))
                left[index] -= off
                touched.add(index)
                if promotion.exclusive:
                    closed.add(index)
    return taken


def _offs(promotion: Promotion, lines: Sequence[Line], left: Sequence[Money]) -> list[Money]:
    """Per line, never more than is left of it."""
    match promotion.kind:
        case PromotionKind.PERCENTAGE:
            assert promotion.rate_bp is not None, "the table's check guarantees a rate"
            rate_bp = promotion.rate_bp
            return [percentage(rest, rate_bp, PROMOTION_ROUNDING) for rest in left]
        case PromotionKind.FIXED:
            assert promotion.amount_minor is not None, "the table's check guarantees an amount"
            weights = [rest.amount_minor for rest in left]
            if not any(weights):
                return [rest * 0 for rest in left]
            off_minor = min(promotion.amount_minor, sum(weights))
            return allocate(Money(off_minor, left[0].currency), weights)
        case PromotionKind.BUY_X_GET_Y:
            return [
                min(Money(line.unit_price_minor, rest.currency) * _free(promotion, line.quantity), rest)
                for line, rest in zip(lines, left, strict=True)
            ]


def _free(promotion: Promotion, quantity: int) -> int:
    """How many units of a line cost nothing; those of a group that is not full are paid."""
    assert promotion.buy_units is not None, "the table's check guarantees both"
    assert promotion.free_units is not None, "the table's check guarantees both"
    return quantity // (promotion.buy_units + promotion.free_units) * promotion.free_units
