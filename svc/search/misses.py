"""Words that found nothing, counted beside the requests and stored from time to time: nobody waits for it.

Bounded in memory and in the table; what a process had not stored when it was killed is not counted.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

from shared.cancellation import cancel_all
from shared.database import Database
from shared.errors import WorldError
from shared.periodic import Periodic
from svc.search import handlers
from svc.search.domain import loggable

WORDS_MAX = 1_000
"""Different ones between two flushes; further ones are not counted."""


class Misses:
    """Counts in every process that answers searches, and stores every `every_s` seconds and at the end."""

    def __init__(self, database: Database, *, every_s: float) -> None:
        self._database = database
        self._job = Periodic("flush_misses", every_s, self.flush)
        self._counted: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to store."""
        self._task = asyncio.create_task(self._job.run(), name=self._job.name)

    async def close(self) -> None:
        """Store what is left, if the database is there."""
        if self._task is not None:
            await cancel_all([self._task])
        try:
            await self.flush()
        except WorldError:
            return

    def count(self, terms: Sequence[str]) -> None:
        """One more of these words, unless they may be about a person."""
        words = loggable(terms)
        if words is not None and (words in self._counted or len(self._counted) < WORDS_MAX):
            self._counted[words] += 1

    async def flush(self) -> int:
        """Store what was counted, or keep it for the next time; gives 0, for there is no more to do at once."""
        counted, self._counted = self._counted, Counter()
        if not counted:
            return 0
        try:
            async with self._database.begin() as uow:
                await handlers.count_misses(uow, counted)
        except BaseException:
            self._counted.update(counted)
            raise
        return 0
