"""Planted: whoever was in the registry once is called for ever."""

import random
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.service_registry import Instance, Registry
from shared.settings import ServiceSettings
from svc.gateway.upstreams import Upstream, Upstreams

CARD = DefectCard(
    id="stale-registry",
    title="The gateway keeps calling an instance that is gone",
    parts=("gateway.registry", "gateway.upstreams"),
    root_cause="The list of instances is read once and kept, and they are asked by chance: nobody looks who answers.",
    caught_by=("INV-26",),
    exposed_by="One of two instances that stops answering.",
    form="without-catalog-2",
    symptoms="Every other visitor waits for a time-out, though an instance is there that has nothing to do.",
    fix="Instances announce themselves, and who does not is forgotten within two seconds.",
    origin="The incident's own review: the registry still routes to an instance that ended five minutes ago.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A registry that does not ask twice."""
    registry: type[Registry] = healthy

    class Stale(registry):
        """Knows what it knew first, as soon as that was somebody."""

        async def _look(self, service: str) -> Any:
            known = self._known.get(service)
            if known is not None and known.alive:
                return known, known.at
            return await super()._look(service)

    return Stale


def by_chance(healthy: Any, _settings: ServiceSettings) -> Any:
    """Which instance gets a request is no matter of what it still has to do."""
    upstreams: type[Upstreams] = healthy

    class Careless(upstreams):
        """Its services are asked by lot."""

        def kind_of(self, service: str) -> type[Upstream]:  # noqa: ARG002 all alike
            return ByLot

    return Careless


class ByLot(Upstream):
    """Asks any of those that it knows."""

    __slots__ = ()

    async def choose(self, *, avoid: str | None = None) -> Instance:
        known = [one for one in await self._registry.reachable(self.name) if one.name != avoid]
        return random.choice(known) if known else await super().choose(avoid=avoid)


TWINS: Twins = {"gateway.registry": twin, "gateway.upstreams": by_chance}
