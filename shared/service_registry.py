"""Where the instances of a service are: each beats every half second, and one that stops is forgotten.

Times are Redis's own, so that no machine's clock matters. When Redis is away the last known answer serves. A late beat
is no proof of death: on a busy machine all may be late at once, and whoever asks for `reachable` ones is not refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from shared.errors import RedisUnavailableError
from shared.redis_gate import gate_of

log = structlog.get_logger(__name__)

HEARTBEAT_EVERY_S = 0.5
HEARTBEAT_TTL_MS = 1_500
LATE_MS_MAX = 5_000
"""How long after its time an instance may still be called where there is no other."""
ANSWER_CACHED_S = 0.25
LAST_KNOWN_MAX_S = 60.0
SUSPECT_S = 1.0
INSTANCES_MAX = 64
UNFIT_BEATS = 3
"""A moment of weakness takes nobody out; what cannot serve for this many beats leaves."""

# one hash per service, instance → "<expires_ms> <load> <url>"; a beat also sweeps the dead
_BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now + ARGV[2], ARGV[3], ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 10)
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  if tonumber(string.match(entries[i + 1], '^%d+')) < now then redis.call('HDEL', KEYS[1], entries[i]) end
end
return 1
"""
_LIST = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entries = redis.call('HGETALL', KEYS[1])
local alive, late = {}, {}
for i = 1, #entries, 2 do
  local expires = tonumber(string.match(entries[i + 1], '^%d+'))
  local found = expires >= now and alive or expires + ARGV[1] >= now and late
  if found then
    found[#found + 1] = entries[i]
    found[#found + 1] = entries[i + 1]
  end
end
return {alive, #alive == 0 and late or {}}
"""


class Instance(msgspec.Struct, frozen=True):
    """One reachable process of a service; `load` is its requests in flight at the last beat."""

    service: str
    name: str
    url: str
    load: int = 0


class _Known(msgspec.Struct, frozen=True):
    """An answer; `late` ones only where nobody is `alive`."""

    at: float
    alive: tuple[Instance, ...] = ()
    late: tuple[Instance, ...] = ()


class Registry:
    """Reads and writes the registry; one per process."""

    def __init__(self, redis: "Redis", prefix: str = "") -> None:
        self._prefix = prefix
        self._beat = redis.register_script(_BEAT)
        self._list = redis.register_script(_LIST)
        self._redis = redis
        self._gate = gate_of(redis)
        self._known: dict[str, _Known] = {}
        self._asking: set[str] = set()
        self._suspects: dict[tuple[str, str], float] = {}

    async def heartbeat(self, service: str, instance: str, url: str, load: int = 0) -> None:
        """Announce an instance for HEARTBEAT_TTL_MS; raises RedisUnavailableError.

        Call it only while the instance is ready to serve.
        """
        args = [instance, HEARTBEAT_TTL_MS, load, url]
        await self._gate.ask(lambda: self._beat(keys=[self._key(service)], args=args))

    async def withdraw(self, service: str, instance: str) -> None:
        """Forget an instance at once; best effort, because its beat runs out anyway."""
        try:
            await self._gate.ask(lambda: self._redis.hdel(self._key(service), instance))
        except RedisUnavailableError:
            return

    async def instances(self, service: str) -> tuple[Instance, ...]:
        """Return the living instances, at most ANSWER_CACHED_S old (older only while Redis is away).

        Instances reported by `suspect` are left out for SUSPECT_S unless none would remain.
        """
        known, now = await self._look(service)
        return self._trusted(known.alive, now) if self._suspects else known.alive

    async def reachable(self, service: str) -> tuple[Instance, ...]:
        """Return the living instances; where there is none, those whose beat is late by at most LATE_MS_MAX.

        One that withdrew is never among them, a late one that was reported by `suspect` not for SUSPECT_S.
        """
        known, now = await self._look(service)
        if known.alive:
            return self._trusted(known.alive, now) if self._suspects else known.alive
        return self._unsuspected(known.late, now)

    def suspect(self, service: str, instance: str) -> None:
        """Report that a connection to an instance died; this process avoids it for SUSPECT_S."""
        if len(self._suspects) >= INSTANCES_MAX:
            self._suspects.clear()
        self._suspects[service, instance] = time.monotonic() + SUSPECT_S

    async def _look(self, service: str) -> tuple[_Known, float]:
        """What is known, at most ANSWER_CACHED_S old, and the time."""
        now = time.monotonic()
        known = self._known.get(service)
        if known is None or now - known.at >= ANSWER_CACHED_S:
            known = await self._refresh(service, known, now)
        return known, now

    async def _refresh(self, service: str, known: _Known | None, now: float) -> _Known:
        if known is not None and known.alive and service in self._asking:
            return known  # one caller asks, the others go on with the answer they have
        self._asking.add(service)
        try:
            alive, late = await self._gate.ask(lambda: self._list(keys=[self._key(service)], args=[LATE_MS_MAX]))
            fresh = _Known(now, _parse(service, alive), _parse(service, late))
        except RedisUnavailableError:
            return _Known(now) if known is None or now - known.at > LAST_KNOWN_MAX_S else known
        finally:
            self._asking.discard(service)
        self._known[service] = fresh
        return fresh

    def _trusted(self, instances: tuple[Instance, ...], now: float) -> tuple[Instance, ...]:
        return self._unsuspected(instances, now) or instances

    def _unsuspected(self, instances: tuple[Instance, ...], now: float) -> tuple[Instance, ...]:
        for key in [key for key, until in self._suspects.items() if until <= now]:
            del self._suspects[key]
        return tuple(one for one in instances if (one.service, one.name) not in self._suspects)

    def _key(self, service: str) -> str:
        return f"{self._prefix}registry:{service}"


async def stay_registered(
    registry: Registry,
    instance: Instance,
    *,
    load: Callable[[], int],
    can_serve: Callable[[], Awaitable[bool]],
) -> None:
    """Beat for as long as the instance can serve, and leave when it cannot; runs until it is cancelled."""
    unfit = UNFIT_BEATS  # nobody is announced before being fit once
    while True:
        unfit = 0 if await can_serve() else unfit + 1
        try:
            if unfit < UNFIT_BEATS:
                await registry.heartbeat(instance.service, instance.name, instance.url, load())
            elif unfit == UNFIT_BEATS:
                log.warning("left_registry", instance=instance.name)
                await registry.withdraw(instance.service, instance.name)
        except RedisUnavailableError as error:  # the next beat tries again
            log.warning("heartbeat_failed", error=repr(error))
        await asyncio.sleep(HEARTBEAT_EVERY_S)


def _parse(service: str, entries: list[Any]) -> tuple[Instance, ...]:
    instances: list[Instance] = []
    for name, value in zip(entries[::2], entries[1::2], strict=True):
        _, load, url = _text(value).split(" ", 2)
        instances.append(Instance(service, _text(name), url, int(load)))
    return tuple(sorted(instances, key=lambda one: one.name)[:INSTANCES_MAX])


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
