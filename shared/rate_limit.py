"""Rate limits shared by all instances: GCRA in one atomic script, on Redis's own clock.

Whether a route lets callers through while Redis is away is that route's decision, made at the call.
"""

from typing import Literal

import msgspec
from redis.asyncio import Redis

from shared.errors import Kind, RedisUnavailableError, Refusal
from shared.redis_gate import gate_of

KEY_LENGTH_MAX = 200
CLOSED_RETRY_AFTER_MS = 1_000

# the theoretical arrival time in microseconds; %.0f because Lua prints large numbers with an exponent
_GCRA = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
local next_tat = tat + interval * cost
local ahead = next_tat - now
if ahead > tolerance then
  return {0, math.floor((tolerance - (tat - now)) / interval), math.ceil((ahead - tolerance) / 1000),
    math.ceil((tat - now) / 1000)}
end
redis.call('SET', KEYS[1], string.format('%.0f', next_tat), 'PX', math.ceil(ahead / 1000) + 1)
return {1, math.floor((tolerance - ahead) / interval), 0, math.ceil(ahead / 1000)}
"""


class RateLimited(Refusal):
    """The caller is faster than its limit; `retry_after_s` says when the next request would pass."""

    code = "rate_limited"
    kind = Kind.TOO_MANY


class Limit(msgspec.Struct, frozen=True):
    """`requests` per `per_s` seconds, evenly; up to `burst` of them at once (default: all)."""

    requests: int
    per_s: float
    burst: int = 0

    def __post_init__(self) -> None:
        if self.requests < 1 or self.per_s <= 0 or self.burst < 0:
            raise ValueError("a limit allows at least one request in a positive time")

    @property
    def interval_us(self) -> float:
        return self.per_s * 1_000_000 / self.requests

    @property
    def tolerance_us(self) -> float:
        return self.interval_us * (self.burst or self.requests)


class Decision(msgspec.Struct, frozen=True):
    """`remaining` requests could follow at once; `reset_ms` until the full burst is available again."""

    allowed: bool
    remaining: int
    retry_after_ms: int
    reset_ms: int

    def check(self) -> None:
        """Raise RateLimited unless allowed."""
        if not self.allowed:
            raise RateLimited("slow down", retry_after_s=self.retry_after_ms / 1000)


class RateLimiter:
    """Counts hits per key. Invariant: of any simultaneous hits at most `burst` are allowed, over all processes."""

    def __init__(self, redis: "Redis", prefix: str = "") -> None:
        self._prefix = prefix
        self._gate = gate_of(redis)
        self._script = redis.register_script(_GCRA)

    async def hit(
        self, key: str, limit: Limit, *, cost: int = 1, when_away: Literal["allow", "refuse"] = "allow"
    ) -> Decision:
        """Take `cost` from the key's allowance; `when_away` decides while Redis does not answer.

        The key names the route and the caller; it must not contain what a client can vary freely.
        """
        name = f"{self._prefix}rate:{key[:KEY_LENGTH_MAX]}"
        args = [limit.interval_us, limit.tolerance_us, cost]
        try:
            allowed, remaining, retry_after_ms, reset_ms = await self._gate.ask(
                lambda: self._script(keys=[name], args=args)
            )
        except RedisUnavailableError:
            if when_away == "allow":
                return Decision(allowed=True, remaining=0, retry_after_ms=0, reset_ms=0)
            return Decision(allowed=False, remaining=0, retry_after_ms=CLOSED_RETRY_AFTER_MS, reset_ms=0)
        return Decision(
            allowed=bool(allowed),
            remaining=max(0, int(remaining)),
            retry_after_ms=int(retry_after_ms),
            reset_ms=int(reset_ms),
        )
