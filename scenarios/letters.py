"""Dead letters of all services, as their audit views show them."""

from typing import Any

from scenarios.fleet import Fleet

_LETTERS = """
    SELECT consumer, event_id::text, topic, partition, offset_, reason, attempts, parked, created_at, redriven_at
    FROM audit.dead_letters ORDER BY created_at DESC LIMIT $1
"""


async def dead_letters(fleet: Fleet, *, per_service_max: int) -> list[dict[str, Any]]:
    """The newest letters of every service."""
    found: list[dict[str, Any]] = []
    for service in fleet.declared:
        found.extend(dict(row) for row in await fleet.rows(service, _LETTERS, per_service_max))
    return found
