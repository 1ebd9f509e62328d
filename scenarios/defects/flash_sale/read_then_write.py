"""Planted: availability is read without a lock, and the new figure is written a moment later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scenarios.defects.flash_sale import broken_reserve
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest

THINKING_TIME_S = 0.02


def twin(_healthy: Any) -> Any:
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
