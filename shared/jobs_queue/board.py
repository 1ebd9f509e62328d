"""What lies in the queues, for people and judges: list, retry, drop, and what is still to be done."""

from collections.abc import Awaitable, Sequence
from typing import Self, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from saq.job import UNSUCCESSFUL_TERMINAL_STATUSES, Job, Status

from shared.errors import Kind, RedisUnavailableError, Refusal
from shared.jobs_queue.queue import ATTEMPTS_MAX, SaqQueue

TIMEOUT_S = 2.0
JOBS_LISTED_MAX = 500
"""Per service; the oldest first."""
ERROR_CHARACTERS_MAX = 300


T = TypeVar("T")


class JobUnknown(Refusal):
    code = "unknown_job"
    kind = Kind.NOT_FOUND


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job as people see it; `state` is waiting, active, scheduled or dead, times in epoch seconds."""

    service: str
    key: str
    kind: str
    state: str
    attempts: int
    attempts_max: int
    queued_at: float
    due_at: float | None
    error: str | None

    @property
    def is_open(self) -> bool:
        """Whether somebody waits for it: not a dead job, and not the next one of a timetable."""
        return self.state in {"waiting", "active"} or (self.state == "scheduled" and self.attempts > 0)


class JobBoard:
    """Reads and tidies the queues of all services of one stack, whether the services run or not.

    Every call raises `RedisUnavailableError` while Redis is away.
    """

    def __init__(self, redis_url: str, *, prefix: str = "", services: Sequence[str]) -> None:
        self._url = redis_url
        self._prefix = prefix
        self._services = services
        self._redis: Redis | None = None

    async def __aenter__(self) -> Self:
        self._redis = Redis.from_url(self._url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._redis is not None
        await self._redis.aclose()

    async def rows(self) -> list[JobRow]:
        """All jobs that are not done, by service and age."""
        found: list[JobRow] = []
        for service in self._services:
            jobs = await _asked(_jobs(self._queue(service)))
            found += sorted((_row(service, job) for job in jobs), key=lambda row: row.queued_at)
        return found

    async def retry(self, key: str) -> JobRow:
        """Give a dead job its attempts again. Raises `JobUnknown`."""
        service, queue, job, seen = await self._dead(key)
        job.attempts, job.error, job.retries = 0, None, job.meta.pop(ATTEMPTS_MAX, job.retries)
        if not await _asked(queue.queue_again(job, seen)):
            raise _no_dead(key)
        return _row(service, job)

    async def drop(self, key: str) -> JobRow:
        """Forget a dead job. Raises `JobUnknown`."""
        service, queue, job, seen = await self._dead(key)
        if not await _asked(queue.forget(job, seen)):
            raise _no_dead(key)
        return _row(service, job)

    async def _dead(self, key: str) -> tuple[str, SaqQueue, Job, bytes]:
        for service in self._services:
            queue = self._queue(service)
            seen = await _asked(queue.redis.get(queue.job_id(key)))
            job = queue.deserialize(seen)
            if job is not None and job.status in UNSUCCESSFUL_TERMINAL_STATUSES:
                return service, queue, job, seen
        raise _no_dead(key)

    def _queue(self, service: str) -> SaqQueue:
        assert self._redis is not None, "enter the board first"
        return SaqQueue(self._redis, self._prefix + service)


async def _jobs(queue: SaqQueue) -> list[Job]:
    async with queue.redis.pipeline(transaction=True) as pipe:
        for key in (queue.namespace("incomplete"), queue.dead_key):
            pipe.zrange(key, 0, JOBS_LISTED_MAX - 1)
        ids = sorted({job_id for listed in await pipe.execute() for job_id in listed})
    if not ids:
        return []
    stored = await queue.redis.mget(ids)
    return [job for payload in stored if (job := queue.deserialize(payload)) is not None]


def _no_dead(key: str) -> JobUnknown:
    return JobUnknown(f"there is no dead job {key}")


async def _asked(question: Awaitable[T]) -> T:
    try:
        return await question
    except (RedisError, OSError) as error:
        raise RedisUnavailableError(repr(error)) from error


def _row(service: str, job: Job) -> JobRow:
    states = {Status.ACTIVE: "active", Status.ABORTING: "active", Status.FAILED: "dead", Status.ABORTED: "dead"}
    waits_until = job.scheduled if job.status is Status.QUEUED and job.scheduled else None
    lines = (job.error or "").strip().splitlines()
    return JobRow(
        service=service,
        key=job.key,
        kind=job.function,
        state="scheduled" if waits_until else states.get(job.status, "waiting"),
        attempts=job.attempts,
        attempts_max=job.retries,
        queued_at=job.queued / 1000,
        due_at=waits_until,
        error=lines[-1][:ERROR_CHARACTERS_MAX] if lines else None,
    )
