"""Planted: holds are ended by their age alone, whether or not their order is being paid."""

from typing import Any

from shared.database import Database
from shared.jobs_queue import Periodic
from svc.inventory import handlers
from svc.inventory.domain import Ending

PATIENCE_S = 0.25
EVERY_S = 0.05
ROWS_MAX = 20

_OLD_HOLDS = """
    SELECT id FROM reservations WHERE status = 'held'
    AND created_at BETWEEN clock_timestamp() - interval '30 seconds'
                   AND clock_timestamp() - make_interval(secs => $1)
    ORDER BY id LIMIT $2
"""


def twin(_healthy: Any) -> Any:
    """A sweeper that does not look whether the order exists."""

    def sweeper(database: Database, *, every_s: float) -> Periodic:
        async def sweep() -> int:
            async with database.acquire() as connection:
                rows = await connection.fetch(_OLD_HOLDS, PATIENCE_S, ROWS_MAX)
            ended = 0
            for row in rows:
                async with database.begin() as uow:
                    ended += await handlers.end_hold(uow, row["id"], Ending.EXPIRED, reason="expired")
            return ended

        return Periodic("sweep_expired_holds", min(every_s, EVERY_S), sweep)

    return sweeper
