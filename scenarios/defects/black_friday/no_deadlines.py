"""Planted: calls that end when the callee likes."""

from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared import deadline
from shared.service_client import ServiceClient
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="no-deadlines",
    title="Calls between services have no limit of time",
    parts=("orders.client",),
    root_cause="The client library's default is to wait for ever, and nobody chose anything else.",
    caught_by=("INV-26",),
    exposed_by="A service that takes connections and does not answer.",
    form="without-inventory",
    symptoms="Checkouts hang; nothing fails, so no breaker opens and nobody is told anything.",
    fix="A limit on every call, within what the request has left; what is late has failed, and says so.",
    origin="Google, Site Reliability Engineering, chapter 22: deadlines; many a default of many a client.",
)

FOR_EVER_S: Final = 600.0


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Calls that wait."""
    client: type[ServiceClient] = healthy

    class Patient(client):
        """Knows no deadline, neither its own nor the request's."""

        async def request(self, service: str, method: str, path: str, **options: Any) -> Any:
            options["timeout_s"] = FOR_EVER_S
            outer = deadline.bind(None)
            try:
                answer: Any = await super().request(service, method, path, **options)
                return answer
            finally:
                deadline.unbind(outer)

    return Patient


TWINS: Twins = {"orders.client": twin}
