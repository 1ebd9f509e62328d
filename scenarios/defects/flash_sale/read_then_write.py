"""Planted: availability is read without a lock, and the new figure is written a moment later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
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
        skus = broken_reserve.wanted_skus(requests)
        levels = await broken_reserve.unlocked_levels(uow.connection, skus)
        limits = await store.limits(uow.connection, skus)
        held = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))
        await asyncio.sleep(THINKING_TIME_S)

        async def write(connection: Connection, granted: broken_reserve.Granted) -> dict[UUID, datetime]:
            expiries = await broken_reserve.insert_without_stock(connection, granted)
            await broken_reserve.insert_movements(connection, granted)
            await broken_reserve.set_reserved(connection, granted, levels)
            return expiries

        return await broken_reserve.serve(uow, requests, levels=levels, limits=limits, held=held, write=write)

    return reserve


TWINS: Twins = {"inventory.reserve": twin}
