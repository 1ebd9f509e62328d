"""What the world is told of a changed product: each price change, then the product whole."""

from collections.abc import Sequence

from shared.contracts.catalog import PriceChanged, ProductUpserted, VariantFact
from shared.unit_of_work import UnitOfWork
from svc.catalog.domain import Price, Product


def announce(uow: UnitOfWork, product: Product, price_changes: Sequence[tuple[str, Price]] = ()) -> None:
    """Publish the change; `product.version` is the last of its events, so that readers compare with it."""
    first = product.version - len(price_changes)
    for version, (sku, price) in enumerate(price_changes, start=first):
        uow.publish(
            PriceChanged(product_id=product.id, sku=sku, price_minor=price.amount_minor, currency=price.currency),
            aggregate_id=product.id,
            aggregate_version=version,
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
