"""Periodic work of the inventory service."""

from collections.abc import Sequence
from uuid import UUID

from shared.batches import by_halves
from shared.database import Database
from shared.periodic import Periodic
from svc.inventory.handlers.warehousing import CROSSINGS_MAX, raise_alarms
from svc.inventory.parts import Parts


def sweeper(database: Database, parts: Parts, *, every_s: float) -> Periodic:
    """Ends holds whose time is over and whose order never came."""

    async def end(reservation_ids: Sequence[UUID]) -> list[None]:
        async with database.begin() as uow:
            await parts.expire_holds(uow, reservation_ids)
        return [None] * len(reservation_ids)

    async def sweep() -> int:
        async with database.begin() as uow:
            expired = await parts.expired_holds(uow)
        failures = [outcome for outcome in await by_halves(expired, end) if outcome is not None]
        if failures:
            raise failures[0]  # all others have ended; the job is seen to fail until somebody looks at this one
        return len(expired)

    return Periodic("sweep_expired_holds", every_s, sweep)


def alarm(database: Database, *, every_s: float) -> Periodic:
    """Tells of shelves that ran low, apart from the sales that empty them."""

    async def look() -> int:
        async with database.begin() as uow:
            return int(await raise_alarms(uow) == CROSSINGS_MAX)

    return Periodic("raise_stock_alarms", every_s, look)
