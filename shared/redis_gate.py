"""The way to Redis for everything that can do without it: bounded in time and in patience; its pool bounds the number.

Turns every way in which Redis can be away into RedisUnavailableError; a faulty command stays a faulty command.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import RedisUnavailableError

COMMAND_LIMIT_S = 1.5  # our own event loop may stutter that long under load without Redis being away
CONNECTIONS_MAX = 32
SOCKET_TIMEOUT_S = 2.0
TIMEOUTS_BELIEVED = 3  # in a row, with no answer between
AWAY_PAUSE_S = 0.5

_TOO_LATE = (TimeoutError, RedisTimeoutError)
_AWAY = (RedisConnectionError, OutOfMemoryError, ReadOnlyError, OSError)

T = TypeVar("T")


def connect(url: str) -> "Redis":
    """The client of a service: a burst waits for one of CONNECTIONS_MAX, as long as its own limit allows."""
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=False,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        max_connections=CONNECTIONS_MAX,
        timeout=None,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2),
    )
    return Redis.from_pool(pool)


class RedisGate:
    """One per client (see `gate_of`), so that what one part learns spares the others the wait."""

    def __init__(self) -> None:
        self._timeouts = 0
        self._away_until = 0.0
        self._trying = False

    async def ask(self, send: Callable[[], Awaitable[T]]) -> T:
        """Await one command for at most COMMAND_LIMIT_S; raises RedisUnavailableError.

        While Redis is believed away it raises at once, and one caller every AWAY_PAUSE_S tries again.
        """
        if not self._away_until:
            return await self._send(send)
        if self._trying or time.monotonic() < self._away_until:
            raise RedisUnavailableError("Redis is away")
        self._trying = True
        try:
            return await self._send(send)
        finally:
            self._trying = False

    async def _send(self, send: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(COMMAND_LIMIT_S):
                answer = await send()
        except _TOO_LATE as error:
            self._timeouts += 1
            if self._timeouts >= TIMEOUTS_BELIEVED:
                self._away_until = time.monotonic() + AWAY_PAUSE_S
            raise RedisUnavailableError("Redis did not answer in time") from error
        except _AWAY as error:
            self._away_until = time.monotonic() + AWAY_PAUSE_S
            raise RedisUnavailableError(f"Redis is away: {type(error).__name__}") from error
        self._timeouts = 0
        self._away_until = 0.0
        return answer


_gates: "WeakKeyDictionary[Any, RedisGate]" = WeakKeyDictionary()


def gate_of(redis: "Redis") -> RedisGate:
    """Return the client's gate."""
    gate = _gates.get(redis)
    if gate is None:
        gate = _gates[redis] = RedisGate()
    return gate
