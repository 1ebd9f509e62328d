"""Deliver signed webhooks: bounded concurrency, retries with back-off until 2xx, everything journalled.

A webhook is journalled as queued before the request that caused it is answered, so a restarted world takes up
what a killed one still owed. Order is not promised, at-least-once is (within `ATTEMPTS_MAX`).
"""

import asyncio
import hashlib
import heapq
import hmac
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import aiohttp
import msgspec

from scenarios.world.draws import draw
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import WebhookRecord

CONCURRENT_MAX = 16
PENDING_MAX = 200_000
ATTEMPTS_MAX = 15
ANSWER_S_MAX = 5.0
IDLE_S_MAX = 5.0
EARLY_S_MAX = 2.0
BACKOFF_S_FIRST = 0.2
BACKOFF_S_MAX = 5.0
SHUFFLE_WINDOW_S = 2.0
COPIES_MAX = 20

R = TypeVar("R", bound=WebhookRecord)


class WebhookPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How webhooks are treated just now: copies ≥ 1, first delay, shuffle in a window."""

    copies: int = 1
    delay_s: float = 0.0
    shuffle: bool = False
    seed: int = 0

    def wait_s(self, queued: WebhookRecord, copy: int) -> float:
        """Seconds before the first attempt of a copy; the same seed and subject give the same order."""
        if not self.shuffle:
            return self.delay_s
        return self.delay_s + SHUFFLE_WINDOW_S * draw(self.seed, queued.subject, queued.event_type, copy)


class Delivery(msgspec.Struct, kw_only=True, gc=False):
    """One copy of one webhook on its way."""

    queued: WebhookRecord
    body: bytes
    copy: int
    attempt: int = 0


def signature(secret: str, body: bytes, *, at: int) -> str:
    """The X-Signature header: HMAC-SHA256 over `t.body`; receivers check the age of t."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def new_event_id() -> str:
    """The id by which the receiver recognises copies and retries."""
    return f"evt_{secrets.token_hex(12)}"


class WebhookSender(Generic[R]):
    """The outgoing webhooks of one simulator."""

    def __init__(self, journal: JournalWriter[R], record: type[R], *, url: str, signing_secret: str) -> None:
        self.url = url
        self.signing_secret = signing_secret
        self.sent_total = 0
        self.failed_total = 0
        self.gave_up_total = 0
        self._journal = journal
        self._record = record
        self._http: aiohttp.ClientSession | None = None
        self._heap: list[tuple[float, int, Delivery]] = []
        self._pushed = 0
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._running: set[asyncio.Task[None]] = set()
        self._dispatcher: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Copies not yet delivered nor given up."""
        return len(self._heap) + len(self._running)

    @property
    def has_room(self) -> bool:
        """False when no more webhooks can be owed; callers then refuse the request that would cause one."""
        return len(self._heap) < PENDING_MAX

    def stats(self) -> dict[str, int]:
        """Copies pending, delivered, attempts failed, copies given up; the last three since this process began."""
        return {
            "webhooks_pending": self.pending,
            "webhooks_sent": self.sent_total,
            "webhooks_failed": self.failed_total,
            "webhooks_gave_up": self.gave_up_total,
        }

    def start(self) -> None:
        """Begin to deliver."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S_MAX),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._dispatcher = asyncio.get_running_loop().create_task(self._dispatch())

    async def stop(self) -> None:
        """Stop delivering; what is owed stays in the journal."""
        tasks = [task for task in (self._dispatcher, *self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def schedule(self, queued: R, plan: WebhookPlan, *, skip_copies: int = 0) -> None:
        """Deliver a webhook that is already journalled as `webhook_queued`."""
        for copy in range(1 + skip_copies, queued.copies + 1):
            delivery = Delivery(queued=queued, body=bytes(queued.payload), copy=copy)
            self._push(delivery, plan.wait_s(queued, copy))

    async def deliver_early(self, queued: R) -> None:
        """Deliver copy 1 now and wait for its answer, so that the webhook overtakes the response."""
        delivery = Delivery(queued=queued, body=bytes(queued.payload), copy=1)
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, early=True))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait((task,), timeout=EARLY_S_MAX)

    def resume(self, history: Iterable[R]) -> None:
        """Take up what the journal says is still owed."""
        owed: dict[str, tuple[R, set[int]]] = {}
        for entry in history:
            if entry.kind == "webhook_queued":
                owed[entry.event_id] = (entry, set(range(1, entry.copies + 1)))
            elif (entry.kind == "webhook_sent" or entry.gave_up) and entry.event_id in owed:
                left = owed[entry.event_id][1]
                left.discard(entry.copy)
                if not left:
                    del owed[entry.event_id]
        now = time.time()
        for queued, copies in owed.values():
            for copy in sorted(copies):
                delivery = Delivery(queued=queued, body=bytes(queued.payload), copy=copy)
                self._push(delivery, max(0.0, queued.due_at - now))

    def resend(self, queued: Sequence[R]) -> None:
        """Deliver webhooks once more, as a copy above those already counted."""
        for entry in queued:
            self._push(Delivery(queued=entry, body=bytes(entry.payload), copy=entry.copies + 1), 0.0)

    def _push(self, delivery: Delivery, wait_s: float) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (time.monotonic() + wait_s, self._pushed, delivery))
        self._wake.set()

    async def _dispatch(self) -> None:
        while True:
            await self._until_due()
            await self._slots.acquire()
            _, _, delivery = heapq.heappop(self._heap)
            task = asyncio.get_running_loop().create_task(self._deliver_in_slot(delivery))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            wait_s = self._heap[0][0] - time.monotonic() if self._heap else None
            if wait_s is not None and wait_s <= 0:
                return
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _deliver_in_slot(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        finally:
            self._slots.release()

    async def _deliver(self, delivery: Delivery, *, early: bool = False) -> None:
        delivery.attempt += 1
        status, detail = await self._post(delivery)
        if 200 <= status < 300:
            self.sent_total += 1
            self._journal.append(self._line("webhook_sent", delivery, status=status, early=early))
            return
        self.failed_total += 1
        line = self._line("webhook_failed", delivery, status=status, detail=detail)
        line.gave_up = delivery.attempt >= ATTEMPTS_MAX
        self._journal.append(line)
        if line.gave_up:
            self.gave_up_total += 1
            return
        wait_s = min(BACKOFF_S_MAX, BACKOFF_S_FIRST * 2 ** (delivery.attempt - 1))
        jitter = 0.8 + 0.4 * draw(delivery.copy, delivery.queued.event_id, delivery.attempt)
        self._push(delivery, wait_s * jitter)

    async def _post(self, delivery: Delivery) -> tuple[int, str]:
        headers = {
            "Content-Type": "application/json",
            "X-Signature": signature(self.signing_secret, delivery.body, at=int(time.time())),
            "X-Event-Id": delivery.queued.event_id,
        }
        if delivery.queued.trace_id:
            headers["traceparent"] = f"00-{delivery.queued.trace_id}-{secrets.token_hex(8)}-01"
        assert self._http is not None, "the sender was not started"
        try:
            async with self._http.post(self.url, data=delivery.body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status, ""
        except TimeoutError:
            return 0, "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            return 0, str(error) or type(error).__name__

    def _line(self, kind: str, delivery: Delivery, *, status: int, early: bool = False, detail: str = "") -> R:
        named = {
            field: value
            for field, value in msgspec.structs.asdict(delivery.queued).items()
            if field not in _ONLY_WHEN_QUEUED
        }
        named |= {"kind": kind, "copy": delivery.copy, "attempt": delivery.attempt}
        return self._record(**named, answer_status=status, early=early, detail=detail)


_ONLY_WHEN_QUEUED = frozenset({"n", "at", "copies", "due_at", "payload", "answer_status", "early", "detail"})
