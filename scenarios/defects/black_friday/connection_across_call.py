"""Planted: a transaction that is open while another service is asked."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.domain.draft import Draft
from svc.orders.placing import Placement
from svc.orders.placing.drafting import Identity, PlaceOrder

CARD = DefectCard(
    id="connection-across-call",
    title="A connection is held while prices are fetched from the catalog",
    parts=("orders.placement",),
    root_cause="The transaction begins before the goods are priced; the pool is as fast as the slowest service.",
    caught_by=("INV-19",),
    exposed_by="A catalog that is slow for a while.",
    symptoms="Orders' pool is empty though its database is idle; connections idle in transaction; carts stand still.",
    fix="Remote calls first, then a short transaction; no remote call inside one.",
    origin="HikariCP's and Rails' connection pools, passim: checkout of a connection around an HTTP call.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Placement that begins too early."""
    placement: type[Placement] = healthy

    class Holding(placement):
        """Has its transaction before it needs one."""

        async def draft(self, command: PlaceOrder, identity: Identity) -> Draft:
            async with self._database.begin():
                return await super().draft(command, identity)

    return Holding


TWINS: Twins = {"orders.placement": twin}
