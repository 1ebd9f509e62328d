"""Coupons: staff makes them, customers ask what one is worth."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.errors import Kind, Refusal
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.validated import bounded_moment
from svc.orders.api.wire import CouponCode
from svc.orders.handlers.coupons import make_coupon
from svc.orders.pricing import Coupon, CouponKind
from svc.orders.store import coupons as store
from svc.orders.store.coupons import CouponTerms

CODE_LENGTH_MAX = 40
Uses = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class NoSuchCoupon(Refusal):
    code = "coupon_not_found"
    kind = Kind.NOT_FOUND


class InvalidCoupon(Refusal):
    code = "invalid_coupon"
    kind = Kind.UNPROCESSABLE


class CouponCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Either `rate_bp` (1000 = 10 %) or `amount` off; `minimum` is a subtotal in the coupon's currency."""

    code: CouponCode
    rate_bp: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    amount: MoneyWire | None = None
    minimum: MoneyWire | None = None
    valid_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    valid_until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    uses_max: Uses | None = None
    uses_per_customer_max: Uses | None = None


class CouponView(msgspec.Struct, frozen=True, omit_defaults=True):
    code: str
    kind: str
    rate_bp: int | None = None
    amount: MoneyWire | None = None
    minimum: MoneyWire | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class CouponController(Controller):
    path = "/api/v1/coupons"
    tags = ("coupons",)
    before_request = refuse_card_data

    @post("/", guards=[requires_role("admin", "service")])
    async def create(self, data: JSONBody[CouponCreate], database: NamedDependency[Database]) -> CouponView:
        """Make a coupon; repeating the same one changes nothing."""
        terms = _terms(data)
        async with database.begin() as uow:
            await make_coupon(uow, terms)
        return _view(terms.coupon)

    @get("/{code:str}")
    async def show(self, code: FromPath[str], database: NamedDependency[Database]) -> CouponView:
        """What a coupon is worth; whether it is used up is told when it is used."""
        if len(code) > CODE_LENGTH_MAX or not code.isprintable():
            raise NoSuchCoupon("there is no such coupon")
        async with database.acquire() as connection:
            coupon = await store.find(connection, code.upper())
        if coupon is None:
            raise NoSuchCoupon("there is no such coupon")
        return _view(coupon)


def _terms(data: CouponCreate) -> CouponTerms:
    if (data.rate_bp is None) == (data.amount is None):
        raise InvalidCoupon("give either rate_bp or amount")
    amount = Money.from_wire(data.amount) if data.amount is not None else None
    if amount is not None and amount.amount_minor <= 0:
        raise InvalidCoupon("the amount must be positive")
    minimum = Money.from_wire(data.minimum) if data.minimum is not None else None
    if minimum is not None and (minimum.amount_minor < 0 or (amount and minimum.currency != amount.currency)):
        raise InvalidCoupon("the minimum must not be negative, and in the coupon's currency")
    starts, ends = bounded_moment(data.valid_from, "valid_from"), bounded_moment(data.valid_until, "valid_until")
    if starts is not None and ends is not None and ends <= starts:
        raise InvalidCoupon("valid_until comes after valid_from")
    priced = amount or minimum
    coupon = Coupon(
        code=data.code.upper(),
        kind=CouponKind.PERCENTAGE if data.rate_bp is not None else CouponKind.FIXED,
        rate_bp=data.rate_bp,
        amount_minor=amount.amount_minor if amount is not None else None,
        currency=priced.currency if priced is not None else None,
        minimum_minor=minimum.amount_minor if minimum is not None else 0,
        valid_from=starts,
        valid_until=ends,
    )
    return CouponTerms(coupon=coupon, uses_max=data.uses_max, uses_per_customer_max=data.uses_per_customer_max)


def _view(coupon: Coupon) -> CouponView:
    currency = coupon.currency
    return CouponView(
        code=coupon.code,
        kind=coupon.kind.value,
        rate_bp=coupon.rate_bp,
        amount=Money(coupon.amount_minor, currency).to_wire() if coupon.amount_minor and currency else None,
        minimum=Money(coupon.minimum_minor, currency).to_wire() if coupon.minimum_minor and currency else None,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
    )
