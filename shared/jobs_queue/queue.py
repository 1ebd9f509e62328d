"""One service's queue: what a kind of job is, and asking for one."""

import asyncio
import time
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from saq.job import UNSUCCESSFUL_TERMINAL_STATUSES, Job, Status
from saq.queue.redis import RedisQueue

from shared.errors import RedisUnavailableError
from shared.tracing import current_traceparent

ATTEMPTS_MIN = 3
"""SAQ's default of one attempt would lose the job of a killed worker."""
DEQUEUE_S = 2.0
REDIS_TIMEOUT_S = DEQUEUE_S + 3.0
CONNECT_TIMEOUT_S = 2.0
AWAY_PAUSE_S = 0.5
SWEEP_WAIT_S = 0.2
"""How long a sweep waits for the worker of a job that ran out of time; it is dead, or it would have ended the job."""
DEAD_KEPT_S = 7 * 24 * 3600
NOT_KEPT = -1

log = structlog.get_logger(__name__)


class JobKind(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all jobs of one name; times in seconds.

    `timeout_s` bounds one attempt, and is how long the job of a killed worker waits for the next.
    """

    name: str
    timeout_s: int
    attempts_max: int = ATTEMPTS_MIN
    retry_first_s: float = 1.0
    retry_max_s: float = 60.0

    def __post_init__(self) -> None:
        assert self.attempts_max >= ATTEMPTS_MIN, "a killed worker must not cost a job its only attempt"
        assert self.timeout_s > 0, "every attempt is bounded"


class SaqQueue(RedisQueue):
    """SAQ's queue, with what a fleet needs beside: patience while Redis is away, and a list of dead jobs."""

    def __init__(self, redis: "Redis", name: str) -> None:
        super().__init__(redis, name=name, dump=msgspec.json.encode, load=msgspec.json.decode)
        self.dead_key = self.namespace("dead")

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:
        """The next job; None when there is none, or when Redis is away, after a pause."""
        try:
            return await super().dequeue(timeout, poll_interval)
        except (RedisError, OSError) as error:
            log.warning("jobs_wait_for_redis", queue=self.name, error=repr(error))
            await asyncio.sleep(AWAY_PAUSE_S)
            return None

    async def sweep(self, lock: int = 60, abort: float = SWEEP_WAIT_S) -> list[str]:
        """Take up the jobs whose worker died."""
        return await super().sweep(lock, min(abort, SWEEP_WAIT_S))

    async def notify(self, job: Job) -> None:
        """Nobody listens: SAQ's two messages for every job would only cost."""

    async def _finish(self, job: Job, status: Status, *, result: Any = None, error: str | None = None) -> None:
        job.ttl = NOT_KEPT
        if status in UNSUCCESSFUL_TERMINAL_STATUSES:
            job.ttl = DEAD_KEPT_S
            now_s = time.time()
            await self.redis.zremrangebyscore(self.dead_key, "-inf", now_s - DEAD_KEPT_S)
            await self.redis.zadd(self.dead_key, {job.id: now_s})
        await super()._finish(job, status, result=result, error=error)


class JobQueue:
    """Asks for jobs of one service; open it before use."""

    def __init__(self, redis_url: str, *, prefix: str, service: str) -> None:
        self.service = service
        self._url = redis_url
        self._name = prefix + service
        self._saq: SaqQueue | None = None

    async def open(self) -> None:
        """Make the client inside the running loop; nothing connects yet."""
        redis: Redis = Redis.from_url(
            self._url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=CONNECT_TIMEOUT_S
        )
        self._saq = SaqQueue(redis, self._name)

    async def close(self) -> None:
        """Disconnect."""
        if self._saq is not None:
            await self._saq.disconnect()

    @property
    def saq(self) -> SaqQueue:
        """The open queue; using it before `open` is a bug."""
        assert self._saq is not None, "the queue is not open"
        return self._saq

    async def enqueue(self, kind: JobKind, subject: str = "", /, **arguments: str) -> bool:
        """Ask for a job; False while one of this kind about this subject is already wanted or under way.

        Raises `RedisUnavailableError`.
        """
        job = Job(
            kind.name,
            key=f"{self._name}:{kind.name}:{subject}",
            kwargs=dict(arguments),
            timeout=kind.timeout_s,
            retries=kind.attempts_max,
            retry_delay=kind.retry_first_s,
            retry_backoff=kind.retry_max_s,
            ttl=NOT_KEPT,
            meta={"traceparent": current_traceparent() or ""},
        )
        try:
            return await self.saq.enqueue(job) is not None
        except (RedisError, OSError) as error:
            raise RedisUnavailableError(f"no job was queued: {error!r}") from error
