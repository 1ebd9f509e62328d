"""The use cases of documents and their index. Each runs inside the caller's transaction and never commits."""

from shared.contracts import Envelope
from shared.contracts.catalog import PriceChanged, ProductDeleted, ProductUpserted
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.search import store
from svc.search.domain import Document, ProductBody, VariantBody


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
    )
    document = Document(product_id=product.product_id, version=envelope.aggregate_version, body=body)
    await store.put(uow.connection, [document])


async def forget_product(uow: UnitOfWork, envelope: Envelope[ProductDeleted]) -> None:
    """Remember only that it is gone and as of which change, so that a late event does not bring it back."""
    gone = Document(product_id=envelope.data.product_id, version=envelope.aggregate_version, body=None)
    await store.put(uow.connection, [gone])


async def change_price(uow: UnitOfWork, envelope: Envelope[PriceChanged]) -> None:
    """Change the prices of variants, unless a newer change is known; an unknown product comes whole later."""
    changed = envelope.data
    await store.reprice(uow.connection, changed.product_id, envelope.aggregate_version, changed.prices)


async def request_rebuild(uow: UnitOfWork) -> store.Build:
    """Ask for a rebuild of the index; while one is open, that one is given instead."""
    return await store.request_build(uow.connection, new_id())
