"""What the world is told of changed products: their new prices, then each product whole, at the prices in force."""

from collections.abc import Sequence

import msgspec

from shared.contracts.catalog import PriceChanged, PriceFact, ProductUpserted, VariantFact
from shared.unit_of_work import UnitOfWork
from svc.catalog.domain import Price, Product
from svc.catalog.store import windows

PriceChanges = Sequence[tuple[str, Price]]


class Change(msgspec.Struct, frozen=True):
    """A product after its change, and the SKUs whose home price is another one now."""

    product: Product
    price_changes: PriceChanges = ()


async def announce(uow: UnitOfWork, changes: Sequence[Change]) -> list[Product]:
    """Publish the changes; `version` of each product is the last of its events, so that readers compare with it.

    Gives the products as they were told: at the prices that stand in for others now. One statement.
    """
    skus = [variant.sku for change in changes for variant in change.product.variants]
    prices = await windows.in_force(uow.connection, skus) if skus else {}
    told = [windows.overlaid(change.product, prices) for change in changes]
    for product, change in zip(told, changes, strict=True):
        if change.price_changes:
            _publish_prices(uow, product, change.price_changes, prices)
        _publish_whole(uow, product)
    return told


def _publish_prices(
    uow: UnitOfWork, product: Product, changes: PriceChanges, prices: dict[tuple[str, str], int]
) -> None:
    facts = {
        sku: PriceFact(price_minor=prices.get((sku, price.currency), price.amount_minor), currency=price.currency)
        for sku, price in changes
    }
    uow.publish(
        PriceChanged(product_id=product.id, prices=facts),
        aggregate_id=product.id,
        aggregate_version=product.version - 1,
    )


def _publish_whole(uow: UnitOfWork, product: Product) -> None:
    uow.publish(
        ProductUpserted(
            product_id=product.id,
            slug=product.slug,
            title=product.title,
            description=product.description,
            category=product.category,
            status=product.shown_status,
            variants=[
                VariantFact(
                    sku=variant.sku,
                    options=variant.options,
                    price_minor=variant.prices[0].amount_minor,
                    currency=variant.prices[0].currency,
                )
                for variant in product.variants
            ],
            attributes=product.attributes,
            seller_id=product.seller_id,
        ),
        aggregate_id=product.id,
        aggregate_version=product.version,
    )
