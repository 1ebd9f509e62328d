"""What was sold, and what it is called."""

from collections import Counter
from collections.abc import Callable, Iterator

from shared.contracts import Event
from shared.contracts.catalog import ProductUpserted
from shared.contracts.orders import OrderPaid
from svc.analytics.domain.figures import PRODUCTS, TITLES
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told


def _sold(told: Told) -> Iterator[Row]:
    order: OrderPaid = told.data
    counted: Counter[str] = Counter()
    for line in order.lines:
        counted[line.sku] += 1
        yield PRODUCTS.row(
            told.day,
            order.currency,
            line.sku,
            product_id=line.product_id,
            orders=int(counted[line.sku] == 1),  # an order counts once, however many lines it has of the SKU
            units=line.quantity,
            revenue_minor=line.line_total_minor,
        )


def _named(told: Told) -> Iterator[Row]:
    product: ProductUpserted = told.data
    yield TITLES.row(product.product_id, title=product.title, category=product.category, version=told.version)


COUNTED: dict[type[Event], Callable[[Told], Iterator[Row]]] = {OrderPaid: _sold, ProductUpserted: _named}
