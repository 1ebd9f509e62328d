"""Planted: a cart that is kept under a key which does not say whose it is."""

import time
from typing import Any, Final
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.handlers.reading import CartReader
from svc.orders.store.carts import StoredCart

CARD = DefectCard(
    id="cache-key-without-user",
    title="The cart is cached under a key without its customer",
    parts=("orders.cart_reader",),
    root_cause="The page's path is the key, and the path of every cart is the same.",
    caught_by=("INV-22",),
    exposed_by="Two customers who look into their carts within the life of an entry.",
    symptoms="Customers report other people's carts; after a reload it is a third one's.",
    fix="A key names everything the value depends on: user, currency, language; what is personal is private.",
    origin="Valve, Steam, 25 December 2015: cached pages of other users during a surge.",
)

KEPT_S: Final = 0.5


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A reader that remembers one cart for all."""
    reader: type[CartReader] = healthy

    class Shared(reader):
        """Keeps the last cart for a moment, whosever it was."""

        kept: tuple[float, StoredCart] | None = None

        async def load(self, customer_id: UUID) -> StoredCart:
            if self.kept is not None and self.kept[0] > time.monotonic():
                return self.kept[1]
            cart = await super().load(customer_id)
            self.kept = (time.monotonic() + KEPT_S, cart)
            return cart

    return Shared


TWINS: Twins = {"orders.cart_reader": twin}
