"""The engine that works a table off: bounded concurrency, leases, and every item's result in its own transaction.

Any number of instances may run it and each may die at any line: what was under way is taken up after its lease.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import structlog

from shared import crash_points, metrics
from shared.back_off import BackOff
from shared.cancellation import cancel_all
from shared.database import Database
from shared.errors import DatabaseBusyError, WorldError
from shared.tracing import span
from shared.unit_of_work import Connection, UnitOfWork
from shared.work_table.pace import Pace
from shared.work_table.table import Claimed, WorkTable

STOP_GRACE_S = 1.5
"""How long a stop waits for attempts under way; shorter than the patience of who ends background tasks."""
SURPRISES_MAX = 8
"""Unforeseen exceptions of one item before it waits for a person; with the back-off about a minute."""
REASON_CHARACTERS_MAX = 500
SURPRISE_BACK_OFF = BackOff(0.5, 15.0)
CLAIM_BACK_OFF = BackOff(0.2, 5.0)

T = TypeVar("T")
O = TypeVar("O")  # noqa: E741 an outcome

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What recording an attempt's outcome came to; the row says the same."""

    DONE = "done"
    NEXT = "next"  # this step is done, the item has a further one
    RETRY = "retry"  # certainly no effect: the same attempt again, later
    ASK = "ask"  # the outcome is unknown: the next attempt asks
    REVIEW = "review"  # a person must look
    DEAD = "dead"  # given up


_OPEN = frozenset({Verdict.NEXT, Verdict.RETRY, Verdict.ASK})


class WorkEngine(ABC, Generic[T, O]):
    """Claims at most as many items as it has free places, so that no lease runs out in a queue.

    An exception that neither `perform` nor `record` foresaw costs its own item one of SURPRISES_MAX attempts and no
    other item anything; the last one ends in `give_up`. A world that is away is waited for: the lease ends by itself.
    """

    def __init__(self, name: str, database: Database, table: WorkTable[T], pace: Pace) -> None:
        self.name = name
        self._database = database
        self._table = table
        self._pace = pace
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._failures = 0

    @abstractmethod
    async def perform(self, item: T) -> O:
        """One attempt, outside of any transaction, within the lease."""

    @abstractmethod
    async def record(self, uow: UnitOfWork, item: T, outcome: O) -> Verdict:
        """Store what came of the attempt, and leave the row closed, halted or due again."""

    async def claimed(self, connection: Connection, items: Sequence[T]) -> None:
        """Store what belongs to a claim, in its transaction."""

    async def give_up(self, uow: UnitOfWork, claimed: Claimed[T], reason: str) -> None:
        """End an item that surprised too often."""
        await self._table.halt(uow.connection, claimed.key, reason)

    def trace_of(self, item: T) -> tuple[str, str]:
        """The name of an attempt's span, and the traceparent it continues."""
        return self.name, getattr(item, "traceparent", None) or ""

    def wake(self) -> None:
        """Look soon instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; attempts under way get a moment to end."""
        try:
            while True:
                self._wake.clear()
                if not await self.work():
                    await self._pause()
        finally:
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_GRACE_S)
            await cancel_all(self._running)

    async def work(self) -> bool:
        """Fill the free places with due items; False when there was less to do than places."""
        if len(self._running) >= self._pace.at_once_max:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        free = self._pace.at_once_max - len(self._running)
        try:
            taken = await self._claim(free)
        except Exception:
            self._failures += 1
            log.exception("job_failed", job=self.name, failures=self._failures)
            return False
        self._failures = 0
        for claimed in taken:
            task = asyncio.create_task(self._attempt(claimed), name=self.name)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(taken) == free

    async def _claim(self, rows_max: int) -> list[Claimed[T]]:
        async with self._database.begin() as uow:
            taken = await self._table.claim(uow.connection, rows_max=rows_max, lease_s=self._pace.lease_s)
            if taken:
                await self.claimed(uow.connection, [claimed.item for claimed in taken])
        return taken

    async def _attempt(self, claimed: Claimed[T]) -> None:
        name, parent = self.trace_of(claimed.item)
        try:
            with span(name, kind="client", parent=parent):
                crash_points.reach(self.name, "before-call")
                async with asyncio.timeout(self._pace.lease_s):
                    outcome = await self.perform(claimed.item)
                crash_points.reach(self.name, "after-call")
                async with self._database.begin() as uow:
                    verdict = await self.record(uow, claimed.item, outcome)
                    crash_points.reach(self.name, "before-commit")
                crash_points.reach(self.name, "after-commit")
                log.info(self.name, key=claimed.key, outcome=type(outcome).__name__, verdict=verdict.value)
        except DatabaseBusyError as error:
            metrics.observe_work(self.name, "surprise")
            log.warning("work_in_the_way", work=self.name, key=claimed.key, error=repr(error))
            await self._note_surprise(claimed, error)
        except WorldError as error:
            metrics.observe_work(self.name, "waits")
            log.warning("work_waits", work=self.name, key=claimed.key, error=repr(error))
        except Exception as error:
            metrics.observe_work(self.name, "surprise")
            log.exception("work_surprised", work=self.name, key=claimed.key)
            await self._note_surprise(claimed, error)
        else:
            metrics.observe_work(self.name, verdict.value)
            if verdict in _OPEN:
                self.wake()

    async def _note_surprise(self, claimed: Claimed[T], error: Exception) -> None:
        """In a transaction of its own; where even that fails, the lease is what bounds the haste."""
        try:
            async with self._database.begin() as uow:
                surprises = await self._table.note_surprise(uow.connection, claimed.key)
                if surprises >= SURPRISES_MAX:
                    reason = f"{surprises} unforeseen failures: {error!r}"
                    await self.give_up(uow, claimed, reason[:REASON_CHARACTERS_MAX])
                else:
                    delay_s = SURPRISE_BACK_OFF.delay_s(surprises)
                    await self._table.postpone(uow.connection, claimed.key, delay_s=delay_s)
        except Exception:
            log.exception("surprise_not_noted", work=self.name, key=claimed.key)

    async def _pause(self) -> None:
        """Until somebody wakes us, or a poll finds something due; a poll that finds nothing costs one statement."""
        if self._failures:
            await asyncio.sleep(CLAIM_BACK_OFF.delay_s(self._failures))
            return
        while not await self._woken() and not await self._is_due():
            continue

    async def _woken(self) -> bool:
        """Whether somebody did before the next poll."""
        try:
            async with asyncio.timeout(self._pace.poll_s):
                return await self._wake.wait()
        except TimeoutError:
            return False

    async def _is_due(self) -> bool:
        try:
            async with self._database.acquire() as connection:
                return await self._table.is_due(connection)
        except Exception:  # noqa: BLE001 the claim meets it next, tells it and counts it
            return True
