"""Promotions: staff makes and ends them; orders get them by themselves."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from shared.card_data import refuse_card_data
from shared.clock import Clock
from shared.database import Database
from shared.errors import Refusal
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.pagination import CURSOR_LENGTH_MAX, Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Sku, bounded_moment
from svc.orders.api.access import STAFF
from svc.orders.api.wire import CouponCode
from svc.orders.domain.cart import LINE_QUANTITY_MAX
from svc.orders.handlers.promotions import end_promotion, make_promotion
from svc.orders.pricing import Promotion, PromotionKind
from svc.orders.store import promotions as store

LIST = "promotions:code"
SKUS_MAX = 200
PRIORITY_MAX = 1_000

Units = Annotated[int, msgspec.Meta(ge=1, le=LINE_QUANTITY_MAX)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class InvalidPromotion(Refusal):
    code = "invalid_promotion"


class PromotionCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of `rate_bp` (1000 = 10 % off each line), `amount` off all lines together, or both units: of every
    `buy_units` + `free_units` of a line the latter cost nothing.

    It reaches the lines of `skus`, without them all. Promotions are applied by `priority` (lower first), then by code,
    each on what the others left; an `exclusive` one shares no line with another.
    """

    code: CouponCode
    priority: Annotated[int, msgspec.Meta(ge=0, le=PRIORITY_MAX)] = 100
    exclusive: bool = False
    skus: Annotated[list[Sku], msgspec.Meta(max_length=SKUS_MAX)] = []
    rate_bp: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    amount: MoneyWire | None = None
    buy_units: Units | None = None
    free_units: Units | None = None
    minimum: MoneyWire | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class PromotionView(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    code: str
    kind: str
    priority: int
    exclusive: bool
    skus: list[str]
    rate_bp: int | None = None
    amount: MoneyWire | None = None
    buy_units: int | None = None
    free_units: int | None = None
    minimum: MoneyWire | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class PromotionController(Controller):
    path = "/api/v1/promotions"
    tags = ("promotions",)
    before_request = refuse_card_data

    @post("/", guards=[requires_role("admin", "service")])
    async def create(
        self,
        data: JSONBody[PromotionCreate],
        database: NamedDependency[Database],
        clock: NamedDependency[SkipValidation[Clock]],
    ) -> PromotionView:
        """Make a promotion; repeating the same one changes nothing. Orders get it within seconds."""
        promotion = _promotion(data)
        async with database.begin() as uow:
            await make_promotion(uow, promotion, now=clock.now())
        return _view(promotion)

    @get("/", guards=[requires_role(*STAFF)])
    async def list_promotions(
        self,
        database: NamedDependency[Database],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[PromotionView]:
        """Every promotion there ever was, by code."""
        size = page_size(limit)
        (after,) = decode_cursor(cursor, LIST, tuple[str]) if cursor else ("",)
        async with database.acquire() as connection:
            rows = await store.page(connection, after=after, rows_max=size + 1)
        page = make_page(rows, size, order=LIST, key=lambda row: (row.code,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @post("/{code:str}/end", status_code=200, guards=[requires_role("admin", "service")])
    async def end(
        self,
        code: FromPath[str],
        database: NamedDependency[Database],
        clock: NamedDependency[SkipValidation[Clock]],
    ) -> PromotionView:
        """Let a promotion end now; orders go without it within seconds. Repeating it changes nothing."""
        async with database.begin() as uow:
            return _view(await end_promotion(uow, code.upper().replace("\0", ""), now=clock.now()))


def _promotion(data: PromotionCreate) -> Promotion:
    amount = Money.from_wire(data.amount) if data.amount is not None else None
    minimum = Money.from_wire(data.minimum) if data.minimum is not None else None
    if amount is not None and amount.amount_minor <= 0:
        raise InvalidPromotion("the amount must be positive")
    if minimum is not None and (minimum.amount_minor < 0 or (amount and minimum.currency != amount.currency)):
        raise InvalidPromotion("the minimum must not be negative, and in the amount's currency")
    starts, ends = bounded_moment(data.valid_from, "valid_from"), bounded_moment(data.valid_until, "valid_until")
    if starts is not None and ends is not None and ends <= starts:
        raise InvalidPromotion("valid_until comes after valid_from")
    priced = amount or minimum
    return Promotion(
        code=data.code.upper(),
        kind=_kind(data),
        priority=data.priority,
        exclusive=data.exclusive,
        skus=tuple(sorted(set(data.skus))),
        rate_bp=data.rate_bp,
        amount_minor=amount.amount_minor if amount is not None else None,
        currency=priced.currency if priced is not None else None,
        buy_units=data.buy_units,
        free_units=data.free_units,
        minimum_minor=minimum.amount_minor if minimum is not None else 0,
        valid_from=starts,
        valid_until=ends,
    )


def _kind(data: PromotionCreate) -> PromotionKind:
    given = (data.rate_bp is not None, data.amount is not None, data.buy_units is not None, data.free_units is not None)
    kinds = {
        (True, False, False, False): PromotionKind.PERCENTAGE,
        (False, True, False, False): PromotionKind.FIXED,
        (False, False, True, True): PromotionKind.BUY_X_GET_Y,
    }
    if given not in kinds:
        raise InvalidPromotion("give one of rate_bp, amount, or buy_units with free_units")
    return kinds[given]


def _view(promotion: Promotion) -> PromotionView:
    def money(amount_minor: int | None) -> MoneyWire | None:
        currency = promotion.currency
        return Money(amount_minor, currency).to_wire() if amount_minor and currency is not None else None

    return PromotionView(
        code=promotion.code,
        kind=promotion.kind.value,
        priority=promotion.priority,
        exclusive=promotion.exclusive,
        skus=list(promotion.skus),
        rate_bp=promotion.rate_bp,
        amount=money(promotion.amount_minor),
        buy_units=promotion.buy_units,
        free_units=promotion.free_units,
        minimum=money(promotion.minimum_minor),
        valid_from=promotion.valid_from,
        valid_until=promotion.valid_until,
    )
