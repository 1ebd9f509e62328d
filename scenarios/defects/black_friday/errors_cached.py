"""Planted: a cache that keeps failures as it keeps values, and longer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from scenarios.defects.card import DefectCard, Twins
from shared.cache import LOAD_FAILURES, Cache, CacheLoadError
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="errors-cached",
    title="A load that failed once is a failure for an hour",
    parts=("catalog.cache",),
    root_cause="What came of a load is kept whatever it was; a moment of slowness leaves errors for an hour.",
    caught_by=("INV-20",),
    exposed_by="Entries that are forgotten while loading them is slow.",
    symptoms="The database is well again and product pages are not; only a flush or a restart brings them back.",
    fix="Failures are not kept, or for a moment only; what was known before is served meanwhile.",
    origin="Negative caching without a life of its own; RFC 2308 bounds it for DNS for this reason.",
)

PATIENCE_S: Final = 0.5
KEPT_S: Final = 3_600.0

T = TypeVar("T")


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A cache that does not forget a failure."""
    cache: type[Cache] = healthy

    class Resentful(cache):
        """Loads at once or not for an hour."""

        async def get_or_load(
            self,
            key: str,
            load: Callable[[], Awaitable[T]],
            *,
            value_type: type[T],
            ttl_s: float,
            stale_s: float = 0.0,
        ) -> T:
            failed: dict[str, float] = self.__dict__.setdefault("failed", {})
            if failed.get(key, 0.0) > time.monotonic():
                raise CacheLoadError(f"{key} could not be loaded")

            async def hurried() -> T:
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        return await load()
                except LOAD_FAILURES:
                    failed[key] = time.monotonic() + KEPT_S
                    raise

            return await super().get_or_load(key, hurried, value_type=value_type, ttl_s=ttl_s, stale_s=stale_s)

    return Resentful


TWINS: Twins = {"catalog.cache": twin}
