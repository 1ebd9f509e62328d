"""Planted: every process has breakers of its own and tells nobody."""

from typing import Any

from msgspec.structs import replace

from scenarios.defects.card import DefectCard, Twins
from shared.service_client import ServiceClient
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="breaker-in-memory",
    title="Each process has to find out by itself that a service is ill",
    parts=("gateway.client", "orders.client", "search.client", "catalog.client"),
    root_cause="The breaker's state is a variable of the process; what one has learned the others learn anew.",
    caught_by=("INV-19",),
    exposed_by="A service that is away while some of its callers ask often and others seldom.",
    form="without-catalog",
    symptoms="One instance says closed while the others say open; errors that come and go with the instance asked.",
    fix="The state is shared, and each process looks at it at least once a second; alone only while it cannot.",
    origin="The incident's own review: instance 2 says closed while 1 and 3 say open.",
)


def twin(healthy: Any, settings: ServiceSettings) -> Any:
    """Calls to others behind breakers that are nobody else's."""
    client: type[ServiceClient] = healthy

    class Alone(client):
        """Keeps its breakers where only this instance looks."""

        def _target(self, service: str) -> Any:
            if self._settings.prefix == settings.prefix:
                self._settings = replace(self._settings, prefix=f"{settings.prefix}{settings.instance}:")
            return super()._target(service)

    return Alone


TWINS: Twins = dict.fromkeys(CARD.parts, twin)
