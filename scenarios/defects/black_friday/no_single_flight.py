"""Planted: everybody who misses the cache loads by himself."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from scenarios.defects.card import DefectCard, Twins
from shared.cache import Cache
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="no-single-flight",
    title="A forgotten entry is loaded by everybody at once",
    parts=("catalog.cache",),
    root_cause="Who finds nothing in the cache loads it; nobody looks whether somebody is already about it.",
    caught_by=("INV-19",),
    exposed_by="A popular entry that expires or is flushed while loading it takes a moment.",
    symptoms="Miss rate 94 %, thousands of rebuilds of one product, the database busy with one question.",
    fix="One load at a time per entry, over all processes; the others wait for it or serve what is stale.",
    origin="The thundering herd; the incident's own review: 4,892 concurrent rebuilds of one product.",
)

T = TypeVar("T")


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A cache that does not wait for anybody."""
    cache: type[Cache] = healthy

    class Herd(cache):
        """Each miss is a load."""

        async def get_or_load(
            self,
            key: str,
            load: Callable[[], Awaitable[T]],
            *,
            value_type: type[T],
            ttl_s: float,
            stale_s: float = 0.0,
        ) -> T:
            entry = await self._read(self._name(key))
            if entry is not None:
                return await super().get_or_load(key, load, value_type=value_type, ttl_s=ttl_s, stale_s=stale_s)
            self.loads += 1
            await load()
            return await super().get_or_load(key, load, value_type=value_type, ttl_s=ttl_s, stale_s=stale_s)

    return Herd


TWINS: Twins = {"catalog.cache": twin}
