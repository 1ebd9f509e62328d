"""The way to Redis for everything that can do without it: bounded in time, in number, and in patience.

Turns every way in which Redis can be away into RedisUnavailableError; a faulty command stays a faulty command.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import RedisUnavailableError

COMMAND_LIMIT_S = 0.5
COMMANDS_MAX = 32  # below the pool's bound: a burst waits its turn instead of finding no connection
TIMEOUTS_BELIEVED = 3  # one may be our own stutter; this many in a row, with no answer between, are not
AWAY_PAUSE_S = 0.5

_AWAY = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError, OSError)
_CLOSED_TRANSPORT = "the handler is closed"

T = TypeVar("T")


class RedisGate:
    """One per client (see `gate_of`), so that what one part learns spares the others the wait."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(COMMANDS_MAX)
        self._timeouts = 0
        self._away_until = 0.0

    async def ask(self, send: Callable[[], Awaitable[T]]) -> T:
        """Await one command for at most COMMAND_LIMIT_S; raises RedisUnavailableError.

        While Redis is known to be away it raises at once, and tries again every AWAY_PAUSE_S.
        """
        if self._away_until and time.monotonic() < self._away_until:
            raise RedisUnavailableError("Redis is away")
        try:
            async with asyncio.timeout(COMMAND_LIMIT_S), self._slots:
                answer = await send()
        except TimeoutError as error:
            self._timeouts += 1
            if self._timeouts >= TIMEOUTS_BELIEVED:
                self._away_until = time.monotonic() + AWAY_PAUSE_S
            raise RedisUnavailableError("Redis did not answer in time") from error
        except _AWAY as error:
            raise self._away(error) from error
        except RuntimeError as error:
            # uvloop's way to say that the connection was reset between two commands
            if _CLOSED_TRANSPORT not in str(error):
                raise
            raise self._away(error) from error
        self._timeouts = 0
        self._away_until = 0.0
        return answer

    def _away(self, error: Exception) -> RedisUnavailableError:
        self._away_until = time.monotonic() + AWAY_PAUSE_S
        return RedisUnavailableError(f"Redis is away: {type(error).__name__}")


_gates: "WeakKeyDictionary[Any, RedisGate]" = WeakKeyDictionary()


def gate_of(redis: "Redis") -> RedisGate:
    """Return the client's gate."""
    gate = _gates.get(redis)
    if gate is None:
        gate = _gates[redis] = RedisGate()
    return gate
