"""The use cases of documents and their index. Each runs inside the caller's transaction and never commits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from uuid import UUID

from shared import stock_watch
from shared.availability import badge
from shared.contracts import Envelope
from shared.contracts.catalog import PriceChanged, ProductDeleted, ProductUpserted
from shared.contracts.inventory import ReservationFact, StockAdjusted
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.search import store
from svc.search.domain import Document, ProductBody, VariantBody
from svc.search.store.builds import Build


async def keep_product(uow: UnitOfWork, envelope: Envelope[ProductUpserted]) -> None:
    """Keep the product whole, unless a newer change is known."""
    product = envelope.data
    body = ProductBody(
        product_id=product.product_id,
        slug=product.slug,
        title=product.title,
        description=product.description,
        category=product.category,
        status=product.status,
        variants=tuple(
            VariantBody(
                sku=variant.sku, options=variant.options, price_minor=variant.price_minor, currency=variant.currency
            )
            for variant in product.variants
        ),
        attributes=product.attributes,
        seller_id=product.seller_id,
    )
    document = Document(product_id=product.product_id, version=envelope.aggregate_version, body=body)
    await store.documents.put(uow.connection, [document])


async def forget_product(uow: UnitOfWork, envelope: Envelope[ProductDeleted]) -> None:
    """Remember only that it is gone and as of which change, so that a late event does not bring it back."""
    gone = Document(product_id=envelope.data.product_id, version=envelope.aggregate_version, body=None)
    await store.documents.put(uow.connection, [gone])


async def change_price(uow: UnitOfWork, envelope: Envelope[PriceChanged]) -> None:
    """Change the prices of variants, unless a newer change is known; an unknown product comes whole later."""
    changed = envelope.data
    await store.documents.reprice(uow.connection, changed.product_id, envelope.aggregate_version, changed.prices)


async def note_reservation(uow: UnitOfWork, envelope: Envelope[ReservationFact]) -> None:
    """Have the SKUs of a hold looked at."""
    stock_watch.mark(uow, {line.sku for line in envelope.data.lines})


async def note_stock(uow: UnitOfWork, envelope: Envelope[StockAdjusted]) -> None:
    """Have the SKU of a receipt or a count looked at."""
    stock_watch.mark(uow, [envelope.data.sku])


async def note_sale(uow: UnitOfWork, envelope: Envelope[OrderPaid]) -> None:
    """Its products are the more popular for it, once however many units there are of each."""
    await store.popularity.note_paid(uow.connection, envelope.data.order_id, _products(envelope), _day(envelope))


async def note_cancellation(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
    """What was paid and is off again was no sale."""
    await store.popularity.note_cancelled(uow.connection, envelope.data.order_id, _products(envelope), _day(envelope))


async def show_stock(uow: UnitOfWork, sights: Sequence[stock_watch.Sight]) -> bool:
    """Have the documents indexed again whose availability turned; gives whether there are such."""
    turned = [sight.sku for sight in sights if badge(sight.before) != badge(sight.after)]
    if turned:
        await store.documents.stock_changed(uow.connection, turned)
    return bool(turned)


async def rank(uow: UnitOfWork, views: Mapping[UUID, int]) -> int:
    """Have the documents indexed again whose popularity moved; gives how many, and there may be more."""
    return await store.popularity.rank(uow.connection, views)


async def count_misses(uow: UnitOfWork, counted: Mapping[str, int]) -> None:
    """Words that found nothing, and how often since the last time."""
    await store.misses.add(uow.connection, counted)


async def request_rebuild(uow: UnitOfWork) -> Build:
    """Ask for a rebuild of the index; while one is open, that one is given instead."""
    return await store.builds.request_build(uow.connection, new_id())


def _products(envelope: Envelope[OrderPaid | OrderCancelled]) -> list[UUID]:
    return [line.product_id for line in envelope.data.lines]


def _day(envelope: Envelope[OrderPaid | OrderCancelled]) -> date:
    return envelope.occurred_at.astimezone(UTC).date()
