"""Rate limits at the door: GCRA in Redis, with the hits that arrive together sent in one script call.

Keys name the route class and the principal or address, nothing a client can vary freely (path, case, method, header).
"""

import asyncio
import time
from typing import Literal

import structlog
from redis.asyncio import Redis

from shared.declaration import RouteClass
from shared.errors import Kind, RedisUnavailableError, Refusal
from shared.redis_gate import gate_of
from svc.gateway.rate_limit import Decision, Limit, RateLimited
from svc.gateway.settings import Settings, parse_limit

BATCH_MAX = 256
REDIS_AWAY_PAUSE_S = 0.5
REFUSED_TOKENS = "refused_tokens"
API_KEY = "api_key"

WHEN_REDIS_IS_AWAY: dict[str, Literal["allow", "refuse"]] = {
    # a password or a token may be guessed as fast as one likes without a limit: closed
    RouteClass.AUTH: "refuse",
    # the shop goes on selling and showing: its own bounds (places, breakers, purchase limits) still hold
    RouteClass.CHECKOUT: "allow",
    RouteClass.ACCOUNT: "allow",
    RouteClass.BROWSE: "allow",
    RouteClass.RECOMMENDATIONS: "allow",
    # a refused webhook is retried for hours; letting it in is cheaper for everybody
    RouteClass.WEBHOOK: "allow",
    # each request is counted in its class as well, which decides
    API_KEY: "allow",
    # the signature check behind it decides anyway
    REFUSED_TOKENS: "allow",
}

# GCRA for many keys at once, on Redis's own clock; each key is decided alone and atomically. A key holds its
# theoretical arrival time in microseconds; %.0f because Lua prints large numbers with an exponent
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local tat = tonumber(redis.call('GET', key) or now)
  if tat < now then tat = now end
  local ahead = tat + interval - now
  if ahead > tolerance then
    answers[#answers + 1] = 0
    answers[#answers + 1] = math.ceil((ahead - tolerance) / 1000)
    answers[#answers + 1] = math.ceil((tat - now) / 1000)
  else
    redis.call('SET', key, string.format('%.0f', tat + interval), 'PX', math.ceil(ahead / 1000) + 1)
    answers[#answers + 1] = 1
    answers[#answers + 1] = math.floor((tolerance - ahead) / interval)
    answers[#answers + 1] = math.ceil(ahead / 1000)
  end
end
return answers
"""

log = structlog.get_logger(__name__)


class LimitsUnavailable(Refusal):
    """Nobody can count right now, and this class is not let through uncounted."""

    code = "limits_unavailable"
    kind = Kind.UNAVAILABLE


class RateLimits:
    """One hit per request; `hit` raises when the caller is too fast, else tells what to show in the headers."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._prefix = f"{settings.prefix}rate:gateway:"
        self._script = redis.register_script(_SCRIPT)
        self._gate = gate_of(redis)
        self._limits: dict[str, Limit] = {
            kind: parse_limit(getattr(settings, f"limit_{kind}")) for kind in (*RouteClass, API_KEY, REFUSED_TOKENS)
        }
        self._waiting: list[tuple[str, Limit, asyncio.Future[Decision | None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._away_until = 0.0

    @property
    def redis_away(self) -> bool:
        """Whether hits go uncounted right now."""
        return time.monotonic() < self._away_until

    def limit(self, kind: str) -> Limit:
        return self._limits[kind]

    async def hit(self, kind: str, caller: str) -> Decision | None:
        """Count one request of a class; None when Redis is away and the class is open.

        Raises `RateLimited`, and `LimitsUnavailable` when Redis is away and the class is closed.
        """
        decision = await self._ask(f"{self._prefix}{kind}:{caller}", self._limits[kind])
        if decision is None:
            if WHEN_REDIS_IS_AWAY[kind] == "refuse":
                raise LimitsUnavailable("try again in a moment", retry_after_s=1)
            return None
        if not decision.allowed:
            raise RateLimited(
                "too many requests; slow down",
                retry_after_s=decision.retry_after_ms / 1000,
                limit=self._limits[kind].requests,
                route_class=kind,
            )
        return decision

    async def _ask(self, key: str, limit: Limit) -> Decision | None:
        if self.redis_away:
            return None
        answer: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, limit, answer))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="rate-limits")
        return await answer

    async def _flush(self) -> None:
        """Send what waits, batch by batch, until nothing does; what arrives meanwhile joins the next batch."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                await self._send(batch)
        finally:
            self._flushing = None

    async def _send(self, batch: list[tuple[str, Limit, asyncio.Future[Decision | None]]]) -> None:
        arguments: list[float] = []
        for _, limit, _ in batch:
            arguments += (limit.interval_us, limit.tolerance_us)
        try:
            answers = await self._gate.ask(lambda: self._script(keys=[key for key, _, _ in batch], args=arguments))
        except RedisUnavailableError as error:
            log.warning("limits_not_counted", error=repr(error), hits=len(batch))
            self._away_until = time.monotonic() + REDIS_AWAY_PAUSE_S
            answers = None
        for index, (_, _, answer) in enumerate(batch):
            if not answer.done():
                answer.set_result(None if answers is None else _decision(answers[3 * index : 3 * index + 3]))


def _decision(answer: list[int]) -> Decision:
    allowed, value, reset_ms = answer
    if allowed:
        return Decision(allowed=True, remaining=value, retry_after_ms=0, reset_ms=reset_ms)
    return Decision(allowed=False, remaining=0, retry_after_ms=value, reset_ms=reset_ms)
