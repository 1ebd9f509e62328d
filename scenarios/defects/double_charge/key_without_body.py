"""Planted: a key stands for whatever was sent under it first."""

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.placing import Placed, Placement, PlaceOrder

CARD = DefectCard(
    id="key-without-body",
    title="The key has no fingerprint of the body",
    parts=("orders.placement",),
    root_cause="The stored answer is replayed for the key alone; nobody compares what is asked for with what was.",
    caught_by=("INV-10",),
    exposed_by="Clients that use a key again for another order.",
    symptoms="A customer who ordered three things has a confirmation of one, with a 201 and no error anywhere.",
    fix="Store a fingerprint of the canonical body with the key and refuse another one with 422.",
    origin="IETF draft, The Idempotency-Key HTTP Header Field: idempotency fingerprint.",
)


def twin(_healthy: type[Placement], _settings: ServiceSettings) -> type[Placement]:
    """Placement that looks at the key only."""
    return KeyOnlyPlacement


class KeyOnlyPlacement(Placement):
    """All bodies are one."""

    async def place(self, command: PlaceOrder) -> Placed:
        return await super().place(msgspec.structs.replace(command, fingerprint=b"any"))


TWINS: Twins = {"orders.placement": twin}
