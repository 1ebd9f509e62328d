"""Planted: a client says in a header where it comes from, and is believed."""

from litestar.types import HTTPScope

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.arrival import Arrival
from svc.gateway.edge import Edge

CARD = DefectCard(
    id="address-from-header",
    title="The client's address is what its header says",
    parts=("gateway.edge",),
    root_cause="X-Forwarded-For is read without asking whether the peer is a proxy of ours.",
    caught_by=("INV-23.limit-bypass",),
    exposed_by="Sign-ins that invent another address each time.",
    symptoms="Thousands of failed sign-ins in a minute, none of them refused for its rate.",
    fix="Believe a forwarding header of listed proxies alone, and of its members only the one that the proxy added.",
    origin="Litestar advisory GHSA-hm36-ffrh-c77c, rate limits by X-Forwarded-For; fixed in 2.18.",
)


def twin(_healthy: type[Edge], _settings: ServiceSettings) -> type[Edge]:
    """A door that believes."""
    return BelievingEdge


class BelievingEdge(Edge):
    """Takes the first member of the header."""

    def _address(self, scope: HTTPScope, arrival: Arrival) -> str:
        if arrival.forwarded_for is not None:
            return arrival.forwarded_for.decode("latin-1").split(",", maxsplit=1)[0].strip()[:64]
        return super()._address(scope, arrival)


TWINS: Twins = {"gateway.edge": twin}
