"""Planted: a readiness probe that says what one likes to hear."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.health import Health, HealthReport
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="health-checks-nothing",
    title="Health answers 200 whatever is gone",
    parts=("search.health",),
    root_cause="The probe answers that the process runs; nobody asks whether it could work.",
    caught_by=("INV-26",),
    exposed_by="Anything that the service needs and that is away.",
    symptoms="All green on the board while customers see errors; traffic is routed to instances that cannot serve.",
    fix="Readiness asks every dependency, bounded in time; liveness asks the process alone.",
    origin="The incident's own review: health 200 with database, Redis and Kafka gone.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Health that never worries."""
    health: type[Health] = healthy

    class Cheerful(health):
        """Always ready."""

        async def can_serve(self) -> bool:
            return True

        async def ready(self) -> HealthReport:
            return HealthReport("ready", {})

    return Cheerful


TWINS: Twins = {"search.health": twin}
