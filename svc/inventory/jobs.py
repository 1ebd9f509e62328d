"""Periodic work of the inventory service."""

from shared.database import Database
from shared.periodic import Periodic
from svc.inventory.parts import Parts


def sweeper(database: Database, parts: Parts, *, every_s: float) -> Periodic:
    """Ends holds whose time is over and whose order never came."""

    async def sweep() -> int:
        async with database.begin() as uow:
            return await parts.expire_holds(uow)

    return Periodic("sweep_expired_holds", every_s, sweep)
