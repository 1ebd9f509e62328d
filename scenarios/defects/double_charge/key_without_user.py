"""Planted: a key is the same key whoever sends it."""

from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.domain.draft import order_id_of
from svc.orders.placing import Placement, PlaceOrder
from svc.orders.placing.drafting import Identity
from svc.orders.placing.placement import ROUTE

CARD = DefectCard(
    id="key-without-user",
    title="The key has no user in its scope",
    parts=("orders.placement",),
    root_cause="Keys are unique over all customers; the second one who uses a key gets the first one's answer.",
    caught_by=("INV-10",),
    exposed_by="Clients whose keys are not random: a counter, a date, a template.",
    symptoms="A customer sees a stranger's order as the answer to a checkout, and gets nothing.",
    fix="Scope the key by principal, method and route.",
    origin="IETF draft, The Idempotency-Key HTTP Header Field: security considerations.",
)

ANYBODY = UUID(int=0)


def twin(_healthy: type[Placement], _settings: ServiceSettings) -> type[Placement]:
    """Placement that asks nobody who they are."""
    return SharedPlacement


class SharedPlacement(Placement):
    """One customer, as far as keys are concerned."""

    def identify(self, command: PlaceOrder) -> Identity:
        return Identity(order_id=order_id_of(ANYBODY, command.key), scope=f"{ANYBODY} {ROUTE}", key=command.key)


TWINS: Twins = {"orders.placement": twin}
