"""What each customer orders and pays in a month, of which cohorts are made."""

from collections.abc import Callable, Iterator

from shared.contracts import Event
from shared.contracts.orders import OrderCreated
from shared.contracts.payments import PaymentProcessed
from svc.analytics.domain.figures import CUSTOMERS
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told


def _ordered(told: Told) -> Iterator[Row]:
    order: OrderCreated = told.data
    yield CUSTOMERS.row(order.customer_id, told.day.replace(day=1), order.currency, orders=1)


def _paid(told: Told) -> Iterator[Row]:
    payment: PaymentProcessed = told.data
    month = told.day.replace(day=1)
    yield CUSTOMERS.row(payment.customer_id, month, payment.currency, paid_minor=payment.amount_minor)


COUNTED: dict[type[Event], Callable[[Told], Iterator[Row]]] = {OrderCreated: _ordered, PaymentProcessed: _paid}
