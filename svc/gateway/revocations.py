"""Sessions that ended before their access tokens did, as auth announces them in Redis; looked up without a call."""

import asyncio
import time
from typing import Any

import structlog
from redis.asyncio import Redis

from shared.errors import RedisUnavailableError
from shared.redis_gate import gate_of

KEY = "auth:revoked"
"""Sorted set of auth's: session id → when it was announced (epoch seconds)."""

EVERY_S = 0.5
OVERLAP_S = 5.0
"""Announcers' clocks and commits may be this far apart without a session slipping through."""

KEPT_S = 660.0
READ_AT_ONCE_MAX = 20_000

log = structlog.get_logger(__name__)


class Revocations:
    """The recently ended sessions; `revoked` is read on every request's path."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.revoked: dict[str, float] = {}
        self._redis = redis
        self._key = prefix + KEY
        self._newest = 0.0

    async def watch(self) -> None:
        """Follow the announcements until cancelled."""
        while True:
            try:
                await self._read()
            except RedisUnavailableError as error:
                log.warning("revocations_not_read", error=repr(error))
            await asyncio.sleep(EVERY_S)

    async def _read(self) -> None:
        since = self._newest - OVERLAP_S
        rows: list[Any] = await gate_of(self._redis).ask(
            lambda: self._redis.zrangebyscore(self._key, since, "+inf", start=0, num=READ_AT_ONCE_MAX, withscores=True)
        )
        for session, announced_at in rows:
            name = session.decode() if isinstance(session, bytes) else session
            self.revoked[name] = announced_at
            self._newest = max(self._newest, announced_at)
        self._forget(time.time() - KEPT_S)

    def _forget(self, before: float) -> None:
        for session in [session for session, announced_at in self.revoked.items() if announced_at < before]:
            del self.revoked[session]
