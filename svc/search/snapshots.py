"""Views of the index that pages are cut from, so that what changes meanwhile moves no hit from one page to another.

An instance opens one and uses it for every list that begins within `age_s`, so that their number is bounded by time and
not by customers; Redis holds which is which, so that any instance can go on. Nothing of the engine is shown to clients.
While Redis is away lists are cut from the index as it stands.
"""

import asyncio
import secrets
import time

import msgspec
import structlog
from redis.asyncio import Redis

from shared import deadline
from shared.cancellation import cancel_all
from shared.errors import RedisUnavailableError
from shared.redis_gate import gate_of
from svc.search.clients import Engine, SearchEngineUnavailableError
from svc.search.domain import CursorExpired

NAME_BYTES = 9

log = structlog.get_logger(__name__)


class Snapshot(msgspec.Struct, frozen=True):
    """`name` is what cursors carry, `view` what the engine knows; without a view it is the index as it stands."""

    name: str = ""
    view: str | None = None


LIVE = Snapshot()


class Snapshots:
    """The views of one index. `life_s`: for how long the next page may be asked for; `age_s`: how old one may be."""

    def __init__(self, engine: Engine, redis: "Redis", *, prefix: str, index: str, life_s: int, age_s: float) -> None:
        self._engine = engine
        self._redis = redis
        self._gate = gate_of(redis)
        self._prefix = f"{prefix}search:snapshot:"
        self._index = index
        self._life_s = life_s
        self._age_s = age_s
        self._opening: asyncio.Task[Snapshot] | None = None
        self._latest = LIVE
        self._opened_at = float("-inf")

    async def open(self) -> None:
        """Nothing is opened before somebody begins a list."""

    async def close(self) -> None:
        """Wait for nobody."""
        if self._opening is not None:
            await cancel_all([self._opening])

    async def latest(self, *, timeout_s: float) -> Snapshot:
        """One that is at most `age_s` old; who comes while it is opened shares it, or its failure.

        Raises `SearchEngineUnavailableError`.
        """
        if time.monotonic() < self._opened_at + self._age_s:
            return self._latest
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(timeout_s), name="open_snapshot")
            self._opening.add_done_callback(self._keep)
        try:
            async with asyncio.timeout(deadline.remaining_s(timeout_s)):
                return await asyncio.shield(self._opening)
        except TimeoutError as error:
            raise SearchEngineUnavailableError("no snapshot was opened in time") from error

    async def named(self, name: str) -> Snapshot:
        """The one that a cursor carries. Raises `CursorExpired`, `RedisUnavailableError`."""
        if name == LIVE.name:
            return LIVE
        view: bytes | None = await self._gate.ask(lambda: self._redis.get(self._prefix + name))
        if view is None:
            raise CursorExpired("the list has changed meanwhile; begin again without a cursor")
        return Snapshot(name, view.decode())

    def forget(self, lost: Snapshot) -> None:
        """Open a new one for the next who comes: the engine does not have it any more."""
        if self._latest == lost:
            self._opened_at = float("-inf")

    def _keep(self, opening: "asyncio.Task[Snapshot]") -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._latest, self._opened_at = opening.result(), time.monotonic()

    async def _open(self, timeout_s: float) -> Snapshot:
        name = secrets.token_urlsafe(NAME_BYTES)
        view = await self._engine.open_snapshot(self._index, life_s=self._life_s, timeout_s=timeout_s)
        try:
            await self._gate.ask(lambda: self._redis.set(self._prefix + name, view, ex=self._life_s))
        except RedisUnavailableError as error:
            log.warning("lists_without_snapshot", error=repr(error))
            await self._engine.close_snapshot(view)
            return LIVE
        return Snapshot(name, view)
