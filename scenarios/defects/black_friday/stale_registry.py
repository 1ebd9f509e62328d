"""Planted: whoever was in the registry once is called for ever."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.service_registry import Registry
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="stale-registry",
    title="The gateway keeps calling an instance that is gone",
    parts=("gateway.registry",),
    root_cause="The list of instances is read once and kept; nobody looks whether they still live.",
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


TWINS: Twins = {"gateway.registry": twin}
