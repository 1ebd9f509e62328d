"""Events as rows of figures: one module per subject, each with the events it counts in its table COUNTED.

A new figure is a projection in `domain/figures.py` and a line here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from shared.contracts import REGISTRY, Event, decode_data
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting import activity, customers, journeys, money, orders, products, stock
from svc.analytics.handlers.counting.told import Told
from svc.analytics.store.events import StoredEvent

SUBJECTS: tuple[Mapping[type[Event], Callable[[Told], Iterable[Row]]], ...] = tuple(
    subject.COUNTED for subject in (orders, money, journeys, products, stock, customers, activity)
)


def rows_of(event: StoredEvent) -> Iterator[Row]:
    """What the event adds to the figures. Raises `PoisonError` when it cannot be read."""
    told = Told(decode_data(event.header, REGISTRY[event.header.type]), event.received_at)
    for subject in SUBJECTS:
        if count := subject.get(told.kind):
            yield from count(told)
