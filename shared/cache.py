"""A cache in Redis: one load at a time over all processes, jittered life, early refresh, stale on error.

Never the truth: every entry may vanish, and Redis being away means loading. Keys must name everything the
value depends on (user, currency, language).
"""

import asyncio
import hashlib
import math
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from redis.asyncio import Redis

from shared import deadline
from shared.errors import RedisUnavailableError, WorldError
from shared.redis_gate import gate_of

VALUE_BYTES_MAX = 256 * 1024
KEY_LENGTH_MAX = 200
INVALIDATE_KEYS_MAX = 1_000
JITTER = 0.1  # of the life, so that what was loaded together does not expire together
EARLY_BETA = 1.0  # XFetch: 1 is optimal for exponentially distributed load times
LOAD_LIMIT_S = 5.0
LOCK_TTL_MS = 6_000  # longer than a load may take: what is loaded after its lock ran out would not be kept
ERROR_PAUSE_MS = 1_000  # while a load has just failed, the stale value serves without another try
WAIT_POLL_S = 0.01
WAIT_POLL_MAX_S = 0.1

LOAD_FAILURES = (WorldError, OSError, TimeoutError)

# stores only if the lock is still ours: an invalidation since the load began has taken it away
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_SHORTEN = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"

T = TypeVar("T")
_log = structlog.get_logger()


class CacheLoadError(WorldError):
    """What is wanted is not in the cache, and whoever has it does not answer in time."""


class _Entry(msgspec.Struct, array_like=True):
    """What is stored: fresh until (epoch seconds), how long the load took (seconds), the value's bytes."""

    fresh_until: float
    load_s: float
    payload: bytes


class Cache:
    """One service's cache. `loads` counts the loads this process made."""

    def __init__(self, redis: "Redis", prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._store = redis.register_script(_STORE)
        self._release = redis.register_script(_RELEASE)
        self._shorten = redis.register_script(_SHORTEN)
        self._gate = gate_of(redis)
        self._flights: dict[str, asyncio.Task[Any]] = {}
        self._entry_decoder = msgspec.msgpack.Decoder(_Entry)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}
        self.loads = 0

    async def get_or_load(
        self,
        key: str,
        load: Callable[[], Awaitable[T]],
        *,
        value_type: type[T],
        ttl_s: float,
        stale_s: float = 0.0,
    ) -> T:
        """Return the cached value, or load and keep it for ttl_s (± JITTER).

        For stale_s longer it may be served when a load fails with a failure of the world. Raises what `load`
        raises when there is nothing to fall back on, `CacheLoadError` when it takes too long.
        """
        name = self._name(key)
        entry = await self._read(name)
        now = time.time()
        if entry is not None and now < entry.fresh_until and not _refresh_early(entry, now):
            try:
                return self._decode(entry.payload, value_type)
            except msgspec.MsgspecError:
                entry = None  # kept by a version with another shape
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(
                self._fly(name, load, entry, value_type=value_type, ttl_s=ttl_s, stale_s=stale_s)
            )
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._land(name, done))
        # one caller that leaves must not take the load away from the others
        return await asyncio.shield(flight)

    async def invalidate(self, *keys: str) -> None:
        """Forget entries now; a load that is under way will not bring the old value back."""
        if len(keys) > INVALIDATE_KEYS_MAX:
            raise ValueError(f"at most {INVALIDATE_KEYS_MAX} keys at once")
        names = [self._name(key) for key in keys]
        for name in names:
            self._flights.pop(name, None)
        if not names:
            return
        try:
            await self._gate.ask(lambda: self._redis.delete(*names, *(f"{name}:lock" for name in names)))
        except RedisUnavailableError:
            _log.warning("cache_invalidation_missed", keys=len(names))

    async def _fly(
        self,
        name: str,
        load: Callable[[], Awaitable[T]],
        entry: _Entry | None,
        *,
        value_type: type[T],
        ttl_s: float,
        stale_s: float,
    ) -> T:
        deadline.bind(None)  # this task serves several requests: none of their deadlines is its own
        token = secrets.token_hex(8)
        owns = await self._lock(name, token)
        if owns is False and entry is not None:
            return self._decode(entry.payload, value_type)  # another process refreshes; ours is good enough
        if owns is False:
            found = await self._wait(name)
            if found is not None:
                return self._decode(found.payload, value_type)
            owns = await self._lock(name, token)
        if owns and (kept := await self._kept_since(name, entry, value_type)) is not None:
            await self._unlock(name, token)
            return kept
        started = time.monotonic()
        try:
            async with asyncio.timeout(LOAD_LIMIT_S):
                self.loads += 1
                value = await load()
        except LOAD_FAILURES as error:
            if entry is None:
                await self._unlock(name, token)
                if isinstance(error, TimeoutError):
                    raise CacheLoadError(f"{name} was not loaded within {LOAD_LIMIT_S:g} s") from error
                raise
            # the lock stays for its remaining life: it is what spares the failing source
            await self._pause(name, token)
            _log.warning("cache_served_stale", key=name, error=type(error).__name__)
            return self._decode(entry.payload, value_type)
        except BaseException:
            await self._unlock(name, token)
            raise
        if owns:
            await self._keep(name, token, value, load_s=time.monotonic() - started, life=(ttl_s, stale_s))
        return value

    async def _kept_since(self, name: str, entry: _Entry | None, value_type: type[T]) -> T | None:
        """What another process loaded between our look and our lock."""
        kept = await self._read(name)
        if kept is None or kept.fresh_until <= time.time() or (entry and kept.fresh_until <= entry.fresh_until):
            return None
        try:
            return self._decode(kept.payload, value_type)
        except msgspec.MsgspecError:
            return None  # kept by a version with another shape

    async def _keep(self, name: str, token: str, value: object, *, load_s: float, life: tuple[float, float]) -> None:
        payload = self._encoder.encode(value)
        if len(payload) > VALUE_BYTES_MAX:
            _log.warning("cache_value_too_large", key=name, bytes=len(payload))
            await self._unlock(name, token)
            return
        ttl_s = life[0] * random.uniform(1 - JITTER, 1 + JITTER)
        entry = self._encoder.encode(_Entry(time.time() + ttl_s, load_s, payload))
        args = [token, entry, max(1, int((ttl_s + life[1]) * 1000))]
        try:
            await self._gate.ask(lambda: self._store(keys=[name, f"{name}:lock"], args=args))
        except RedisUnavailableError:
            return  # not kept: the next caller loads again

    async def _read(self, name: str) -> _Entry | None:
        try:
            raw = await self._gate.ask(lambda: self._redis.get(name))
        except RedisUnavailableError:
            return None
        if raw is None:
            return None
        try:
            return self._entry_decoder.decode(raw)
        except msgspec.MsgspecError:
            return None  # written by another version: load anew

    async def _lock(self, name: str, token: str) -> bool | None:
        """True when the load is ours, False when another process has it, None when Redis is away."""
        try:
            taken = await self._gate.ask(lambda: self._redis.set(f"{name}:lock", token, nx=True, px=LOCK_TTL_MS))
        except RedisUnavailableError:
            return None
        return bool(taken)

    async def _wait(self, name: str) -> _Entry | None:
        """Wait for another process's value until its lock must have run out."""
        until = time.monotonic() + LOCK_TTL_MS / 1000
        pause_s = WAIT_POLL_S
        while time.monotonic() < until:
            await asyncio.sleep(pause_s)
            pause_s = min(WAIT_POLL_MAX_S, pause_s * 1.5)
            entry = await self._read(name)
            if entry is not None:
                return entry
            try:
                held = await self._gate.ask(lambda: self._redis.exists(f"{name}:lock"))
            except RedisUnavailableError:
                return None
            if not held:
                return await self._read(name)
        return None

    async def _pause(self, name: str, token: str) -> None:
        try:
            await self._gate.ask(lambda: self._shorten(keys=[f"{name}:lock"], args=[token, ERROR_PAUSE_MS]))
        except RedisUnavailableError:
            return

    async def _unlock(self, name: str, token: str) -> None:
        try:
            await self._gate.ask(lambda: self._release(keys=[f"{name}:lock"], args=[token]))
        except RedisUnavailableError:
            return  # its time to live ends it

    def _land(self, name: str, done: "asyncio.Task[Any]") -> None:
        if self._flights.get(name) is done:
            del self._flights[name]
        if not done.cancelled():
            done.exception()  # every waiter may have left; the failure is theirs, not the loop's

    def _decode(self, payload: bytes, value_type: type[T]) -> T:
        decoder = self._decoders.get(value_type)
        if decoder is None:
            decoder = self._decoders[value_type] = msgspec.msgpack.Decoder(value_type)
        return decoder.decode(payload)

    def _name(self, key: str) -> str:
        if len(key) > KEY_LENGTH_MAX:
            key = hashlib.sha256(key.encode()).hexdigest()
        return self._prefix + key


def _refresh_early(entry: _Entry, now: float) -> bool:
    """XFetch (Vattani, Chierichetti, Lowenstein 2015): the nearer the end, the likelier, once per load time."""
    return now - entry.load_s * EARLY_BETA * math.log(1.0 - random.random()) >= entry.fresh_until
