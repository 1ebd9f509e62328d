"""What becomes of a checkout: the stages of the conversion funnel."""

from collections.abc import Iterator

from shared.contracts import Event
from shared.contracts.inventory import InventoryReleased, InventoryReserved, ReservationFact
from shared.contracts.orders import OrderFact
from svc.analytics.domain.figures import JOURNEYS, STAGE
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.orders import STATUS_OF
from svc.analytics.handlers.counting.told import Told

STAGE_OF: dict[type[Event], str] = {InventoryReserved: "held", InventoryReleased: "released", **STATUS_OF}
"""A status of an order is a stage of the same name."""


def _passed(told: Told) -> Iterator[Row]:
    fact: OrderFact | ReservationFact = told.data
    yield JOURNEYS.row(fact.order_id, began_at=told.at, reached=STAGE[STAGE_OF[type(fact)]])


COUNTED = dict.fromkeys(STAGE_OF, _passed)
