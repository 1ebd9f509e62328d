"""Planted: a breaker that lets everybody try when it lets anybody try."""

from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared.circuit_breaker import BreakerPolicy
from shared.service_client import ServiceClient
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="half-open-without-limit",
    title="A half-open breaker lets the whole crowd through",
    parts=("gateway.client", "orders.client", "search.client"),
    root_cause="Half-open is treated as closed until the first failure, and a failure takes as long as a time-out.",
    caught_by=("INV-19", "INV-26"),
    exposed_by="A service that takes connections and does not answer, for longer than the breaker stays open.",
    form="silent-catalog",
    symptoms="In waves, once a second, every visitor waits for a time-out; the service is hit by all at its return.",
    fix="A few probes at a time; everybody else is refused until they have come back well.",
    origin="Michael Nygard, Release It!: circuit breaker; the herd at half-open.",
)

EVERYBODY: Final = 1_000_000


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Calls to others behind such a breaker."""
    client: type[ServiceClient] = healthy

    class Herd(client):
        """Its breakers know no probes."""

        def _target(self, service: str) -> Any:
            self._policy = BreakerPolicy(probes_max=EVERYBODY)
            return super()._target(service)

    return Herd


TWINS: Twins = dict.fromkeys(CARD.parts, twin)
