"""Planted: every event overwrites the whole document of the index, without a version."""

import asyncio
from typing import Any

from elastic_transport import TransportError
from elasticsearch import AsyncElasticsearch

from scenarios.defects.card import DefectCard, Twins
from shared.contracts import Envelope
from shared.contracts.catalog import ProductUpserted
from shared.unit_of_work import UnitOfWork
from svc.search.domain import ProductBody, VariantBody, indexed_fields

CARD = DefectCard(
    id="index-overwritten",
    title="The index is overwritten without a version",
    parts=("search.keep_product",),
    root_cause="Handlers write whole documents into the index themselves; the last answer wins, not the newest change.",
    caught_by=("INV-16",),
    exposed_by="Changes of one product close to each other, and an index that was away for a while.",
    symptoms="Customers find a price that the product page does not know; a rebuild mends it until the next outage.",
    fix="Write with the aggregate's version and let the engine refuse an older one.",
    origin="index(id, body) without version_type=external.",
)

RETRY_S = 0.3


def twin(healthy: Any, settings: Any) -> Any:
    """A handler that writes into the index by itself, until it is taken."""
    opened: list[AsyncElasticsearch] = []
    under_way: set[asyncio.Task[None]] = set()

    async def write(product_id: str, source: dict[str, Any]) -> None:
        if not opened:
            opened.append(AsyncElasticsearch(settings.elasticsearch_url, max_retries=0))
        while True:
            try:
                await opened[0].index(index=f"{settings.prefix}products", id=product_id, document=source)
            except TransportError:
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def keep_product(uow: UnitOfWork, envelope: Envelope[ProductUpserted]) -> None:
        await healthy(uow, envelope)
        source = indexed_fields(_body(envelope.data))

        def begin() -> None:
            task = asyncio.create_task(write(str(envelope.data.product_id), source))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        uow.after_commit(begin)

    return keep_product


def _body(product: ProductUpserted) -> ProductBody:
    return ProductBody(
        product_id=product.product_id,
        slug=product.slug,
        title=product.title,
        description=product.description,
        category=product.category,
        status=product.status,
        variants=tuple(
            VariantBody(sku=it.sku, options=it.options, price_minor=it.price_minor, currency=it.currency)
            for it in product.variants
        ),
        attributes=product.attributes,
        seller_id=product.seller_id,
    )


TWINS: Twins = {"search.keep_product": twin}
