"""Planted: availability is read without a lock, and the new figure is written a moment later."""

from collections.abc import Sequence
from typing import Any

from scenarios.defects.broken_reserve import sell_what_was_read
from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.inventory.domain import Hold, HoldRequest

CARD = DefectCard(
    id="read-then-write",
    title="Read, then write: two processes sell the same units",
    parts=("inventory.reserve",),
    root_cause=(
        "Availability is read without a lock and the new figure is written a few milliseconds later. Two readers "
        "see the same units; the later write overwrites the earlier one."
    ),
    caught_by=("INV-02",),
    exposed_by="Two inventory processes and buyers of one SKU within the same milliseconds.",
    symptoms="More orders than units; log pairs of '100 available' 4 ms apart, both followed by 'stock 99'.",
    fix="Lock the stock row (SELECT … FOR UPDATE) or make the decrement one conditional statement.",
    origin="The classic lost update; the flash-sale incidents of most shops.",
)

THINKING_TIME_S = 0.02


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A reserve that sells what it read, not what is there."""

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        return await sell_what_was_read(uow, requests, after_s=THINKING_TIME_S)

    return reserve


TWINS: Twins = {"inventory.reserve": twin}
