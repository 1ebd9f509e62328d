"""Planted: a hit is counted after it was let in."""

import time
from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.limits import RateLimits
from svc.gateway.rate_limit import Decision, Limit
from svc.gateway.settings import Settings

CARD = DefectCard(
    id="limits-read-then-written",
    title="A crowd at one moment passes the limit",
    parts=("gateway.limits",),
    root_cause="The counter is read, compared and written in three steps, with a wait between them.",
    caught_by=("INV-23.limit-race",),
    exposed_by="Many requests at the same moment.",
    symptoms="The limit holds in every test that counts to eleven, and not when two hundred come at once.",
    fix="Count and decide in one atomic step.",
    origin="CWE-362; PortSwigger, race conditions (limit overrun).",
)


WINDOW_S: Final = 60


def twin(_healthy: type[RateLimits], _settings: ServiceSettings) -> type[RateLimits]:
    """A counter in steps."""
    return StepwiseLimits


class StepwiseLimits(RateLimits):
    """Reads, thinks, writes."""

    def __init__(self, redis: Any, settings: Settings) -> None:
        super().__init__(redis, settings)
        self._redis = redis

    async def _ask(self, key: str, limit: Limit) -> Decision | None:
        window = f"{key}:{int(time.time()) // WINDOW_S}"
        seen = int(await self._redis.get(window) or 0)
        if seen >= limit.requests:
            return Decision(allowed=False, remaining=0, retry_after_ms=1_000, reset_ms=1_000)
        await self._redis.get(window)
        await self._redis.set(window, seen + 1, ex=2 * WINDOW_S)
        return Decision(allowed=True, remaining=limit.requests - seen - 1, retry_after_ms=0, reset_ms=1_000)


TWINS: Twins = {"gateway.limits": twin}
