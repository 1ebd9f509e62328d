"""The promotions in force, remembered by each process for a short time, so that a buyer costs no statement for them."""

import asyncio
import time
from datetime import datetime

from shared.database import Database
from svc.orders.handlers.promotions import PROMOTIONS_MAX
from svc.orders.pricing import Promotion
from svc.orders.store import promotions


class RunningPromotions:
    """What is made or ended is seen at most `kept_s` later by every process; its times of validity hold exactly."""

    def __init__(self, database: Database, *, kept_s: float) -> None:
        self._database = database
        self._kept_s = kept_s
        self._known: list[Promotion] = []
        self._stale_at = 0.0
        self._reading = asyncio.Lock()

    async def at(self, now: datetime) -> list[Promotion]:
        """Those in force."""
        if time.monotonic() >= self._stale_at:
            async with self._reading:
                if time.monotonic() >= self._stale_at:
                    await self._read(now)
        return [promotion for promotion in self._known if promotion.in_force(now)]

    async def _read(self, now: datetime) -> None:
        begun = time.monotonic()  # what is made while this is read may be missing in it
        async with self._database.acquire() as connection:
            self._known = await promotions.coming(connection, now, rows_max=PROMOTIONS_MAX)
        self._stale_at = begun + self._kept_s
