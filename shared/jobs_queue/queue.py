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
ATTEMPTS_MAX = "attempts_max"
"""Where a job that was given up notes how many attempts its kind has."""
DEQUEUE_S = 2.0
REDIS_TIMEOUT_S = DEQUEUE_S + 3.0
CONNECT_TIMEOUT_S = 2.0
AWAY_PAUSE_S = 0.5
ACTIVE_SWEPT_MAX = 500
DEAD_KEPT_S = 7 * 24 * 3600
LEFT = "its worker died"
TIMETABLED = "cron:"
"""How the key begins that SAQ gives to the next job of a timetable."""
_MOVE = """
    if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
    redis.call('LREM', KEYS[2], 0, KEYS[1])
    redis.call('ZREM', KEYS[3], KEYS[1])
    redis.call('ZREM', KEYS[5], KEYS[1])
    if ARGV[2] == 'queued' then
        redis.call('SET', KEYS[1], ARGV[3])
        redis.call('ZADD', KEYS[3], 0, KEYS[1])
        redis.call('RPUSH', KEYS[4], KEYS[1])
    elseif ARGV[2] == 'dead' then
        redis.call('DEL', KEYS[1])
        redis.call('SETEX', KEYS[6], ARGV[5], ARGV[3])
        redis.call('ZADD', KEYS[5], ARGV[4], KEYS[6])
    else
        redis.call('DEL', KEYS[1])
    end
    return 1
"""
"""Moves a job that still is as it was seen: to the queue, to the dead ones, or out. Keys: job, active, incomplete,
queued, dead, new job; arguments: as seen, where to, the new job, now, how long a dead one is kept."""

log = structlog.get_logger(__name__)


class JobKind(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all jobs of one name; times in seconds.

    `timeout_s` bounds one attempt, and is how long the job of a killed worker waits for the next, and two sweeps more.
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
    """SAQ's queue, with what a fleet needs beside: patience while Redis is away, a list of dead jobs, its own sweep.

    SAQ's sweep takes a job for dead that a worker has just taken and not yet marked, aborts it, and queues it again
    beside the attempt that runs; the two then undo each other's end, or a dead job's retry is refused for its abort.
    """

    def __init__(self, redis: "Redis", name: str) -> None:
        super().__init__(redis, name=name, dump=msgspec.json.encode, load=msgspec.json.decode)
        self.dead_key = self.namespace("dead")
        self._move = redis.register_script(_MOVE)
        self._suspects: dict[bytes, bytes | None] = {}

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:
        """The next job; None when there is none, or when Redis is away, after a pause."""
        try:
            return await super().dequeue(timeout, poll_interval)
        except (RedisError, OSError) as error:
            log.warning("jobs_wait_for_redis", queue=self.name, error=repr(error))
            await asyncio.sleep(AWAY_PAUSE_S)
            return None

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:  # noqa: ARG002 nobody is kept out or waited for
        """Take up the jobs whose worker died; gives their ids.

        A worker is dead whose job is not started, or over its time, at two sweeps running: a living one would have
        changed it between them. Any number of instances may sweep, for a job is moved only as it was seen.
        """
        taken = await self.redis.lrange(self.namespace("active"), 0, ACTIVE_SWEPT_MAX - 1)
        stored = dict(zip(taken, await self.redis.mget(taken), strict=True)) if taken else {}
        suspects = {job_id: payload for job_id, payload in stored.items() if self._looks_left(payload)}
        left = [job_id for job_id, payload in suspects.items() if self._suspects.get(job_id, b"") == payload]
        self._suspects = suspects
        return [job_id.decode() for job_id in left if await self._take_up(job_id, suspects[job_id])]

    async def queue_again(self, job: Job, seen: bytes) -> bool:
        """Back to the queue, to be run at once; False when the stored job is no longer the one that was seen."""
        job.status, job.queued, job.started, job.completed = Status.QUEUED, _now_ms(), 0, 0
        return await self._moved(job.id, seen, to="queued", job=job)

    async def forget(self, job: Job, seen: bytes) -> bool:
        """Gone for good; False when the stored job is no longer the one that was seen."""
        return await self._moved(job.id, seen, to="")

    async def notify(self, job: Job) -> None:
        """Nobody listens: SAQ's two messages for every job would only cost."""

    async def _finish(self, job: Job, status: Status, *, result: Any = None, error: str | None = None) -> None:  # noqa: ARG002 they are in the job
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.lrem(self.namespace("active"), 1, job.id).zrem(self.namespace("incomplete"), job.id)
            if status in UNSUCCESSFUL_TERMINAL_STATUSES:
                now_s = time.time()
                dead = self._as_dead(job)
                pipe.delete(job.id).setex(dead.id, DEAD_KEPT_S, self.serialize(dead))
                pipe.zadd(self.dead_key, {dead.id: now_s})
                pipe.zremrangebyscore(self.dead_key, "-inf", now_s - DEAD_KEPT_S)
            else:
                pipe.delete(job.id).zrem(self.dead_key, job.id)
            await pipe.execute()

    def _as_dead(self, job: Job) -> Job:
        """Under a key of its own where a timetable would put its next job in the place of the dead one."""
        if not job.key.startswith(TIMETABLED):
            return job
        dead = self.copy(job)
        dead.key, dead.scheduled = f"{self.name}:{job.function}:{TIMETABLED}", 0
        return dead

    def _looks_left(self, payload: bytes | None) -> bool:
        job = self.deserialize(payload)
        return job is None or job.status is not Status.ACTIVE or job.stuck

    async def _take_up(self, job_id: bytes, seen: bytes | None) -> bool:
        job = self.deserialize(seen)
        if job is None:
            return await self._moved(job_id, b"", to="")
        if job.retryable:
            return await self.queue_again(job, seen or b"")
        job.status, job.error, job.completed = Status.ABORTED, job.error or LEFT, _now_ms()
        return await self._moved(job_id, seen or b"", to="dead", job=self._as_dead(job))

    async def _moved(self, job_id: str | bytes, seen: bytes, *, to: str, job: Job | None = None) -> bool:
        lists = [self.namespace(name) for name in ("active", "incomplete", "queued")]
        moved = await self._move(
            keys=[job_id, *lists, self.dead_key, job_id if job is None else job.id],
            args=[seen, to, b"" if job is None else self.serialize(job), time.time(), DEAD_KEPT_S],
        )
        return bool(moved)


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
            meta={"traceparent": current_traceparent() or ""},
        )
        try:
            return await self.saq.enqueue(job) is not None
        except (RedisError, OSError) as error:
            raise RedisUnavailableError(f"no job was queued: {error!r}") from error


def _now_ms() -> int:
    return round(time.time() * 1000)
