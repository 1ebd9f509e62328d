"""Planted: everybody on the way tries three times, and nobody counts."""

from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared import deadline
from shared.circuit_breaker import BreakerPolicy
from shared.errors import WorldError
from shared.service_client import ServiceClient
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="retries-at-every-layer",
    title="Three layers try three times each, without a budget",
    parts=("orders.client",),
    root_cause="The library, the client and the caller each retry; a call that fails is made nine times.",
    caught_by=("INV-19",),
    exposed_by="A service that does not answer: those who miss it ask it more than those who have it.",
    form="silent-inventory",
    symptoms="A service that was slow for a moment gets many times its usual calls, and stays slow.",
    fix="Retries at one layer, a share of the calls at most, none while the breaker is open or time is up.",
    origin="Google, Site Reliability Engineering, chapter 22: combined retries; AWS, Timeouts, retries and backoff.",
)

TRIES: Final = 9
TRY_S: Final = 0.3
NEVER: Final = 1_000_000_000


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Calls that do not take a failure for an answer."""
    client: type[ServiceClient] = healthy

    class Stubborn(client):
        """Tries again, at once, whatever came of it."""

        async def _attempt(self, target: Any, call: Any) -> bytes:
            for _ in range(TRIES - 1):
                try:
                    with deadline.within(TRY_S):
                        return await super()._attempt(target, call)
                except WorldError:
                    continue
            return await super()._attempt(target, call)

        def _target(self, service: str) -> Any:
            self._policy = BreakerPolicy(failures_min=NEVER)
            return super()._target(service)

    return Stubborn


TWINS: Twins = {"orders.client": twin}
