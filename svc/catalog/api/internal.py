"""Routes for other services and for seeding."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter, SkipValidation

from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.validated import STORABLE, line
from svc.catalog import handlers, store
from svc.catalog.api.wire import ImportProduct, imported_wish, listed
from svc.catalog.shelf import Shelf
from svc.catalog.store import views

SERVICES = (requires_role("service"),)
IMPORT_ITEMS_MAX = 1_000
IMPORT_BYTES_MAX = 8 * 1024 * 1024
WARM_PRODUCTS_MAX = 1_000
VIEWED_MAX = 1_000
AskToWarm = Callable[[str, Sequence[UUID]], Awaitable[bool]]
"""Queues the job that loads the pages of these products, for an event."""


class PricedVariants(msgspec.Struct, frozen=True):
    items: list[store.PricedVariant]


class MostViewed(msgspec.Struct, frozen=True):
    items: list[views.Viewed]


class ProductImport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[ImportProduct], msgspec.Meta(min_length=1, max_length=IMPORT_ITEMS_MAX)]


class Imported(msgspec.Struct, frozen=True):
    created: int
    updated: int
    unchanged: int


class WarmUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The products of an event; `event` names it, and one warm-up of an event is on its way at a time."""

    event: Annotated[str, line(80)]
    product_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=WARM_PRODUCTS_MAX)]


class WarmUpAsked(msgspec.Struct, frozen=True):
    """`queued` is false while one for this event is on its way already, or Redis is away."""

    queued: bool


@get("/internal/variants", guards=SERVICES, tags=["internal"])
async def variants(
    database: NamedDependency[Database],
    skus: Annotated[str, QueryParameter(min_length=1, max_length=7_000, pattern=STORABLE)],
    currency: Annotated[Currency | None, QueryParameter(required=False)] = None,
) -> PricedVariants:
    """What up to 100 SKUs cost now, before tax; unknown SKUs are left out, never cached."""
    wanted = listed("skus", skus) or ()
    async with database.acquire() as connection:
        return PricedVariants(await store.variants_by_sku(connection, wanted, currency))


@get("/internal/products/most-viewed", guards=SERVICES, tags=["internal"])
async def most_viewed(database: NamedDependency[Database]) -> MostViewed:
    """The up to 1,000 products looked at most, for whoever ranks by it; nobody else is told."""
    async with database.acquire() as connection:
        return MostViewed(await views.most_viewed(connection, rows_max=VIEWED_MAX))


@post(
    "/internal/products/import",
    status_code=200,
    request_max_body_size=IMPORT_BYTES_MAX,
    guards=SERVICES,
    tags=["internal"],
)
async def import_products(
    data: JSONBody[ProductImport], database: NamedDependency[Database], shelf: NamedDependency[Shelf]
) -> Imported:
    """Make up to 1,000 products as given, in portions of one transaction each.

    Repeating it changes nothing, so one that failed half-way is simply sent again.
    """
    created = updated = unchanged = 0
    for portion in handlers.portions([imported_wish(item) for item in data.items]):
        async with database.begin() as uow:
            outcome = await handlers.import_portion(uow, portion)
        await shelf.forget(imported.product for imported in outcome.updated)
        created += len(outcome.created)
        updated += len(outcome.updated)
        unchanged += outcome.unchanged
    if created or updated:
        await shelf.forget_categories()
    return Imported(created, updated, unchanged)


@post("/internal/warm-up", status_code=202, guards=SERVICES, tags=["internal"])
async def warm_up(data: JSONBody[WarmUp], ask_to_warm: NamedDependency[SkipValidation[AskToWarm]]) -> WarmUpAsked:
    """Have the pages of these products loaded before an event, by a job."""
    return WarmUpAsked(await ask_to_warm(data.event, data.product_ids))
