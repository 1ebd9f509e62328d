"""Prices over time: what a product costs at a moment, and prices that hold for a while."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, SkipValidation

from shared.clock import Clock
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.money import Money, MoneyWire
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Sku, bounded_moment, moment_in_query, moment_of
from svc.catalog import handlers
from svc.catalog.api.wire import price_of, product_id_of
from svc.catalog.domain import EDITOR_ROLES
from svc.catalog.shelf import Shelf
from svc.catalog.store.windows import PriceAt, Window

EDITORS = (requires_role("seller", *EDITOR_ROLES),)
WINDOWS_ORDER = "price_windows:id"


class WindowWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`valid_until` is the first moment at which the price holds no more."""

    sku: Sku
    price: MoneyWire
    valid_from: datetime
    valid_until: datetime


class WindowView(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: waiting, begun or ended, as far as the world was told."""

    id: UUID
    sku: str
    price: MoneyWire
    valid_from: datetime
    valid_until: datetime
    state: str


class SkuPrice(msgspec.Struct, frozen=True):
    sku: str
    price: MoneyWire


class PricesAt(msgspec.Struct, frozen=True):
    """Every price of the product's variants at the moment `at`."""

    at: datetime
    items: list[SkuPrice]


@get("/api/v1/products/{reference:str}/prices", opt={"public": True}, tags=["prices"])
async def prices_at(
    reference: FromPath[str],
    shelf: NamedDependency[Shelf],
    database: NamedDependency[Database],
    clock: NamedDependency[SkipValidation[Clock]],
    principal: NamedDependency[Principal],
    at: Annotated[str | None, moment_in_query()] = None,
) -> PricesAt:
    """What the product cost or costs at a moment, now unless told; the future is its editors' to ask (403)."""
    now = clock.now()
    moment = moment_of(at, "at") or now
    product = await shelf.product(reference)
    async with database.begin() as uow:
        prices = await handlers.prices_at(uow, product, moment, now=now, viewer=principal)
    return PricesAt(moment, [_sku_price(price) for price in prices])


@get("/api/v1/products/{reference:str}/price-windows", guards=EDITORS, tags=["prices"])
async def list_windows(
    reference: FromPath[str],
    database: NamedDependency[Database],
    principal: NamedDependency[Principal],
    cursor: FromQuery[str | None] = None,
    limit: PageLimit = None,
) -> Page[WindowView]:
    """The prices that held, hold or will hold for a while, the oldest first."""
    rows = page_size(limit)
    after = decode_cursor(cursor, WINDOWS_ORDER, tuple[UUID])[0] if cursor else None
    async with database.begin_orm() as uow:
        found = await handlers.windows_of(
            uow, product_id_of(reference), editor=principal, after=after, rows_max=rows + 1
        )
    return make_page([_view(one) for one in found], rows, order=WINDOWS_ORDER, key=lambda one: [str(one.id)])


@post("/api/v1/products/{reference:str}/price-windows", guards=EDITORS, tags=["prices"])
async def add_window(
    reference: FromPath[str],
    data: JSONBody[WindowWrite],
    database: NamedDependency[Database],
    clock: NamedDependency[SkipValidation[Clock]],
    principal: NamedDependency[Principal],
) -> WindowView:
    """Let a SKU cost something else for a while; 409 window_overlaps where another such price holds meanwhile."""
    begins, ends = bounded_moment(data.valid_from, "valid_from"), bounded_moment(data.valid_until, "valid_until")
    assert begins is not None, "it was given"
    assert ends is not None, "it was given"
    async with database.begin_orm() as uow:
        window = await handlers.add_window(
            uow,
            product_id_of(reference),
            data.sku,
            price_of(data.price),
            begins=begins,
            ends=ends,
            now=clock.now(),
            editor=principal,
        )
    return _view(window)


@delete(
    "/api/v1/products/{reference:str}/price-windows/{window_id:uuid}", status_code=204, guards=EDITORS, tags=["prices"]
)
async def end_window(
    reference: FromPath[str],
    window_id: FromPath[UUID],
    database: NamedDependency[Database],
    principal: NamedDependency[Principal],
) -> None:
    """Take out a price to come, or end one that holds; 404 unknown_window for one that is over."""
    async with database.begin_orm() as uow:
        await handlers.end_window(uow, product_id_of(reference), window_id, editor=principal)


def _view(window: Window) -> WindowView:
    return WindowView(
        id=window.id,
        sku=window.sku,
        price=Money(window.price_minor, window.currency).to_wire(),
        valid_from=window.valid_from,
        valid_until=window.valid_until,
        state=window.state,
    )


def _sku_price(price: PriceAt) -> SkuPrice:
    return SkuPrice(price.sku, Money(price.price_minor, price.currency).to_wire())
