"""Planted: calls that end when the callee likes."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from scenarios.defects.card import DefectCard, Twins
from shared import deadline
from shared.identity import Principal
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

T = TypeVar("T")


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Calls that wait."""
    client: type[ServiceClient] = healthy

    class Patient(client):
        """Knows no deadline, neither its own nor the request's."""

        async def request(  # noqa: PLR0913 its parent's
            self,
            service: str,
            method: str,
            path: str,
            *,
            json: object = None,
            params: Mapping[str, str] | None = None,
            response_type: type[T] | None = None,
            principal: Principal | None = None,
            idempotent: bool | None = None,
            timeout_s: float = FOR_EVER_S,
            headers: Mapping[str, str] | None = None,
        ) -> T:
            del timeout_s
            outer = deadline.bind(None)
            try:
                return await super().request(
                    service,
                    method,
                    path,
                    json=json,
                    params=params,
                    response_type=response_type,
                    principal=principal,
                    idempotent=idempotent,
                    timeout_s=FOR_EVER_S,
                    headers=headers,
                )
            finally:
                deadline.unbind(outer)

    return Patient


TWINS: Twins = {"orders.client": twin}
