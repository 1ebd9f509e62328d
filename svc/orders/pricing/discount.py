"""Coupons: whether one applies, and how much it takes off."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.errors import Kind, Refusal
from shared.money import Money, Rounding, percentage

COUPON_ROUNDING = Rounding.HALF_UP
"""The one place where a percentage off the subtotal is rounded to minor units."""


class UnknownCoupon(Refusal):
    code = "unknown_coupon"
    kind = Kind.UNPROCESSABLE


class CouponNotApplicable(Refusal):
    """The coupon exists and does not fit: its time, its currency or its minimum."""

    code = "coupon_not_applicable"
    kind = Kind.UNPROCESSABLE


class CouponKind(StrEnum):
    PERCENTAGE = "percentage"
    FIXED = "fixed"


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """`rate_bp` for a percentage; `amount_minor` and `currency` for a fixed sum. Limits on use are the store's."""

    code: str
    kind: CouponKind
    rate_bp: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    minimum_minor: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def validate_coupon(coupon: Coupon, *, subtotal: Money, now: datetime) -> None:
    """Raise `CouponNotApplicable` when the coupon is out of its time, currency or minimum."""
    if coupon.valid_from is not None and now < coupon.valid_from:
        raise CouponNotApplicable("this coupon is not valid yet", coupon=coupon.code)
    if coupon.valid_until is not None and now >= coupon.valid_until:
        raise CouponNotApplicable("this coupon is no longer valid", coupon=coupon.code)
    if coupon.currency is not None and coupon.currency != subtotal.currency:
        raise CouponNotApplicable(f"this coupon is for {coupon.currency} only", coupon=coupon.code)
    if subtotal.amount_minor < coupon.minimum_minor:
        minimum = Money(coupon.minimum_minor, subtotal.currency).decimal_string
        raise CouponNotApplicable(f"this coupon needs a subtotal of {minimum} {subtotal.currency}", coupon=coupon.code)


def discount_of(coupon: Coupon, subtotal: Money) -> Money:
    """What the coupon takes off; never more than there is."""
    if coupon.kind is CouponKind.PERCENTAGE:
        assert coupon.rate_bp is not None, "the table's check guarantees a rate"
        off = percentage(subtotal, coupon.rate_bp, COUPON_ROUNDING)
    else:
        assert coupon.amount_minor is not None, "the table's check guarantees an amount"
        off = Money(coupon.amount_minor, subtotal.currency)
    return min(off, subtotal)
