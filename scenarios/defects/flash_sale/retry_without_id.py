"""Planted: an answer that is late is taken for a failure, and the stock is asked for again under a new id."""

import itertools
from collections.abc import Sequence
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.ids import new_id
from shared.service_client import ServiceClient
from shared.settings import ServiceSettings
from svc.orders.clients import InventoryClient, Reservation
from svc.orders.settings import Settings

CARD = DefectCard(
    id="retry-without-id",
    title="A retry holds twice",
    parts=("orders.inventory",),
    root_cause="After a time-out the reservation is asked for again under a new id; the first one took effect.",
    caught_by=("INV-03",),
    exposed_by="Slow answers of inventory: contention, or a process killed or paused.",
    symptoms="Undersold: units are held for orders that do not exist until their time runs out.",
    fix="Derive the reservation's id from the order and repeat with the same one.",
    origin="Timeout taken for failure.",
)

LATE_EVERY = 3


def twin(_healthy: type[InventoryClient], _settings: ServiceSettings) -> type[InventoryClient]:
    """The inventory client with a retry that forgets what it is repeating."""
    return ForgetfulInventory


class ForgetfulInventory(InventoryClient):
    """Every third answer comes after the client's patience; what it says is never read."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        super().__init__(client, config)
        self._calls = itertools.count(1)

    async def reserve(self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]) -> Reservation:
        """Hold the lines; every third time under a second id too."""
        held = await super().reserve(reservation_id, customer_id, lines)
        if next(self._calls) % LATE_EVERY:
            return held
        return await super().reserve(new_id(), customer_id, lines)


TWINS: Twins = {"orders.inventory": twin}
