"""The reservation batcher: buyers who wait at the same moment share one transaction.

One row lock and one commit serve a whole batch, which is what keeps a hot SKU fast; a request that breaks its batch
pays alone. A batch is whoever waits: at most the requests that the service takes at once
(`shared.request_scope.IN_FLIGHT_MAX`). Correctness does not rest on the queue: any number of batchers in any number of
processes stay exact, because the stock rows are locked and constrained.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from shared.batches import by_halves
from shared.database import Database
from shared.unit_of_work import UnitOfWork
from svc.inventory.domain import Hold, HoldRequest

BATCH_ATTEMPTS_MAX = 3
QUEUES_AT_ONCE = 4

ReserveBatch = Callable[[UnitOfWork, Sequence[HoldRequest]], Awaitable[list[Hold | Exception]]]
_Waiting = tuple[HoldRequest, asyncio.Future[Hold]]


class ReservationBatcher:
    """Collects requests in one queue per SKU and serves each queue batch by batch."""

    def __init__(self, database: Database, reserve_batch: ReserveBatch) -> None:
        self._database = database
        self._reserve_batch = reserve_batch
        self._queues: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._queues_at_once = asyncio.Semaphore(QUEUES_AT_ONCE)

    async def open(self) -> None:
        """Nothing to open; the queues come with the first buyer."""

    async def close(self) -> None:
        """Let the batches under way end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def hold(self, request: HoldRequest) -> Hold:
        """Hold all lines of the request; durable when this returns.

        Raises the refusals of `handlers.reserve`, `DatabaseUnavailableError`.
        """
        answer: asyncio.Future[Hold] = asyncio.get_running_loop().create_future()
        queue = request.lines[0].sku
        if queue in self._queues:
            self._queues[queue].append((request, answer))
        else:
            self._queues[queue] = [(request, answer)]
            task = asyncio.create_task(self._serve(queue), name=f"batcher:{queue}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _serve(self, queue: str) -> None:
        """Serve the queue until nobody waits in it."""
        while self._queues[queue]:
            async with self._queues_at_once:
                batch = [entry for entry in self._queues[queue] if not entry[1].done()]
                self._queues[queue] = []
                if batch:
                    await self._serve_batch(batch)
        del self._queues[queue]

    async def _serve_batch(self, batch: Sequence[_Waiting]) -> None:
        outcomes = await by_halves([request for request, _ in batch], self._reserved)
        for (_, answer), outcome in zip(batch, outcomes, strict=True):
            if answer.done():
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    async def _reserved(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        """One transaction; once more when one of the reservations was ended in advance while it ran."""
        for _ in range(BATCH_ATTEMPTS_MAX - 1):
            with contextlib.suppress(asyncpg.UniqueViolationError):
                return await self._reserved_once(requests)
        return await self._reserved_once(requests)

    async def _reserved_once(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        async with self._database.begin() as uow:
            return await self._reserve_batch(uow, requests)
