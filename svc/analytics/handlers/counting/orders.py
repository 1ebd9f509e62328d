"""Where each order stands and what it is worth."""

from collections.abc import Iterator

from shared.contracts import Event
from shared.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderFact,
    OrderPaid,
    OrderRefunded,
    OrderShipped,
)
from svc.analytics.domain.figures import ORDERS, RANK
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told

STATUS_OF: dict[type[Event], str] = {
    OrderCreated: "placed",
    OrderPaid: "paid",
    OrderShipped: "shipped",
    OrderCompleted: "completed",
    OrderRefunded: "refunded",
    OrderCancelled: "cancelled",
}


def _reached(told: Told) -> Iterator[Row]:
    order: OrderFact = told.data
    placed = order if isinstance(order, OrderCreated) else None
    yield ORDERS.row(
        order.order_id,
        rank=RANK[STATUS_OF[type(order)]],
        total_minor=order.total_minor,
        currency=order.currency,
        version=told.version,
        placed_at=placed and placed.placed_at,
        country=placed and placed.shipping_address.country,
    )


COUNTED = dict.fromkeys(STATUS_OF, _reached)
