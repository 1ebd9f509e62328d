"""How much of everything happens by the minute."""

from collections.abc import Callable, Iterator
from datetime import UTC

from shared.contracts import REGISTRY, Event
from shared.contracts.orders import OrderCreated
from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from svc.analytics.domain.figures import ACTIVITY
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told

NO_CURRENCY = ""
MOVES_MONEY: dict[type[Event], str] = {
    OrderCreated: "total_minor",
    PaymentProcessed: "amount_minor",
    PaymentRefunded: "amount_minor",
}
"""Where an event tells its amount."""


def _happened(told: Told) -> Iterator[Row]:
    amount = MOVES_MONEY.get(told.kind)
    currency = told.data.currency if amount else NO_CURRENCY
    minute = told.at.astimezone(UTC).replace(second=0, microsecond=0)
    yield ACTIVITY.row(
        minute, told.envelope.type, currency, events=1, amount_minor=getattr(told.data, amount) if amount else 0
    )


COUNTED: dict[type[Event], Callable[[Told], Iterator[Row]]] = dict.fromkeys(REGISTRY.values(), _happened)
