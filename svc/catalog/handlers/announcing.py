"""What the world is told of a changed product: its new prices, then the product whole."""

from collections.abc import Sequence

from shared.contracts.catalog import PriceChanged, PriceFact, ProductUpserted, VariantFact
from shared.unit_of_work import UnitOfWork
from svc.catalog.domain import Price, Product


def announce(uow: UnitOfWork, product: Product, price_changes: Sequence[tuple[str, Price]] = ()) -> None:
    """Publish the change; `product.version` is the last of its events, so that readers compare with it."""
    if price_changes:
        prices = {sku: PriceFact(price_minor=it.amount_minor, currency=it.currency) for sku, it in price_changes}
        uow.publish(
            PriceChanged(product_id=product.id, prices=prices),
            aggregate_id=product.id,
            aggregate_version=product.version - 1,
        )
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
        ),
        aggregate_id=product.id,
        aggregate_version=product.version,
    )
