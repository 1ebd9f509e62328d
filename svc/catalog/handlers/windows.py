"""Prices that hold for a while. The time alone decides what is charged; a job tells the world."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.identity import Principal
from shared.ids import new_id
from shared.unit_of_work import OrmUnitOfWork, UnitOfWork
from svc.catalog import store
from svc.catalog.domain import (
    EDITOR_ROLES,
    WINDOWS_PER_PRICE_MAX,
    FutureIsPrivate,
    Price,
    PriceMissing,
    Product,
    TooManyWindows,
    UnknownProduct,
    UnknownVariant,
    UnknownWindow,
    checked_window,
)
from svc.catalog.handlers.announcing import Change, announce
from svc.catalog.handlers.editing import may_see, owns
from svc.catalog.store import windows
from svc.catalog.store.windows import PriceAt, Window

TURNED_AT_ONCE_MAX = 100
"""Products whose begins and ends are told in one transaction."""


async def add_window(
    uow: OrmUnitOfWork, product_id: UUID, sku: str, price: Price, *, begins: datetime, ends: datetime, now: datetime,
    editor: Principal,
) -> Window:  # fmt: skip
    """Let the SKU cost this from `begins` until just before `ends`; what is seen of it changes then.

    Raises `UnknownProduct` (also for another seller's), `UnknownVariant`, `PriceMissing`, `InvalidWindow`,
    `WindowOverlaps`, `TooManyWindows`.
    """
    checked_window(begins, ends, now=now)
    product = await _editable(uow, product_id, editor)
    variant = next((one for one in product.variants if one.sku == sku), None)
    if variant is None:
        raise UnknownVariant("the product has no such variant")
    if price.currency not in {usual.currency for usual in variant.prices}:
        raise PriceMissing(f"{sku} has no price in {price.currency}", currency=price.currency)
    wanted = Window(
        id=new_id(), sku=sku, currency=price.currency, price_minor=price.amount_minor, valid_from=max(begins, now),
        valid_until=ends, state="waiting",
    )  # fmt: skip
    await store.lock_products(uow.connection, [product_id])  # one after another: they are counted
    window = await windows.add_window(uow.connection, wanted, created_by=editor.subject)
    if window is None:
        raise TooManyWindows(f"a price has at most {WINDOWS_PER_PRICE_MAX} to come")
    return window


async def end_window(uow: OrmUnitOfWork, product_id: UUID, window_id: UUID, *, editor: Principal) -> None:
    """Take out a window to come, or end the one in force now. Raises `UnknownProduct`, `UnknownWindow`."""
    await _editable(uow, product_id, editor)
    if not await windows.end_window(uow.connection, product_id, window_id):
        raise UnknownWindow("there is no such price to come or in force")


async def windows_of(
    uow: OrmUnitOfWork, product_id: UUID, *, editor: Principal, after: UUID | None, rows_max: int
) -> list[Window]:
    """The windows of a product, the oldest first. Raises `UnknownProduct`."""
    await _editable(uow, product_id, editor)
    return await windows.windows_of(uow.connection, product_id, after=after, rows_max=rows_max)


async def prices_at(
    uow: UnitOfWork, product: Product, at: datetime, *, now: datetime, viewer: Principal
) -> list[PriceAt]:
    """What the product cost, costs or will cost at the moment. Raises `UnknownProduct`, `FutureIsPrivate`."""
    if not may_see(product, viewer):
        raise UnknownProduct("there is no such product")
    if at > now and not (viewer.has_role(*EDITOR_ROLES) or owns(product.seller_id, viewer)):
        raise FutureIsPrivate("only those who edit the product know what it will cost")
    return await windows.prices_at(uow.connection, product.id, at)


async def turn_prices(uow: UnitOfWork) -> list[Product]:
    """Tell of prices that began or ended to hold; gives the products, at most TURNED_AT_ONCE_MAX.

    What is told comes late by how often the job looks; what is charged never does.
    """
    due = await windows.products_due(uow.connection, rows_max=TURNED_AT_ONCE_MAX)
    return [] if not due else await _tell(uow, due)


async def _tell(uow: UnitOfWork, due: Sequence[UUID]) -> list[Product]:
    await store.lock_products(uow.connection, due)
    turned = await windows.turn(uow.connection, due)
    products = await store.products_to_tell(uow.connection, list(turned))
    changes: list[Change] = []
    for product in products:
        priced = [
            (variant.sku, variant.prices[0])
            for variant in product.variants
            if (variant.sku, variant.prices[0].currency) in turned[product.id]
        ]
        changes.append(Change(product, priced))
    steps = {change.product.id: 2 if change.price_changes else 1 for change in changes}
    versions = await store.count_changes(uow.connection, steps)
    told = [Change(store.renumbered(one.product, versions[one.product.id]), one.price_changes) for one in changes]
    return await announce(uow, told)


async def _editable(uow: OrmUnitOfWork, product_id: UUID, editor: Principal) -> Product:
    product = await store.product_by_id(uow.connection, product_id)
    if product is None or not (editor.has_role(*EDITOR_ROLES) or owns(product.seller_id, editor)):
        raise UnknownProduct("there is no such product")
    return product
