"""The breaker itself: one script decides in Redis; each process remembers the answer for at most a second.

Successes are counted here and reported with the next look, so that a healthy call costs no round trip.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis

from shared import metrics
from shared.circuit_breaker.policy import BreakerPolicy, LocalBreaker, Mode
from shared.errors import RedisUnavailableError, RemoteUnavailableError, WorldError
from shared.redis_gate import gate_of

FAILED_CALLERS_MAX = 64  # between two looks at Redis
STATE_CACHED_S = 0.5
PROBE_PAUSE_S = 0.05  # while the probes are out, a crowd asks for a place this often and not once each
STATE_BELIEVED_S = 1.0  # while one caller looks, others go on with what is known for this long

COUNTED = (WorldError, OSError, TimeoutError)
"""What counts against the callee; a refusal or a cancelled caller says nothing about its health."""

log = structlog.get_logger(__name__)

_SCRIPT = """
local op, successes, failures = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local window_ms, failures_min, percent = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local open_ms, probes_max = tonumber(ARGV[7]), tonumber(ARGV[8])
local probe_successes, lease_ms = tonumber(ARGV[9]), tonumber(ARGV[10])
local per_caller_max, callers_min = tonumber(ARGV[11]), tonumber(ARGV[12])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local raw = redis.call('HMGET', KEYS[1], 'mode', 'window', 's', 'f', 'opened', 'probes', 'lease', 'probed')
local mode = raw[1] or 'closed'
local window, s, f = tonumber(raw[2] or 0), tonumber(raw[3] or 0), tonumber(raw[4] or 0)
local opened, probes = tonumber(raw[5] or 0), tonumber(raw[6] or 0)
local lease, probed = tonumber(raw[7] or 0), tonumber(raw[8] or 0)
local granted = mode == 'closed' and 1 or 0
local function open() mode = 'open'; opened = now end
local function restart() window = now; s = 0; f = 0; redis.call('DEL', KEYS[2]) end
if mode == 'closed' then
  if now - window >= window_ms then restart() end
  s = s + successes; f = f + failures
  for i = 13, #ARGV do
    if redis.call('HINCRBY', KEYS[2], ARGV[i], 1) <= per_caller_max then f = f + 1 end
  end
  if f >= failures_min and f * 100 >= percent * (s + f) then open() end
elseif op == 'acquire' then
  if mode == 'open' and now - opened >= open_ms then
    mode = 'half_open'; probes = 0; probed = 0; redis.call('DEL', KEYS[2])
  end
  if mode == 'half_open' then
    if now >= lease then probes = 0 end
    if probes < probes_max then probes = probes + 1; lease = now + lease_ms; granted = 1 end
  end
elseif mode == 'half_open' and op ~= 'sync' then
  probes = math.max(0, probes - 1)
  if op == 'failed' then
    if ARGV[13] then redis.call('HINCRBY', KEYS[2], ARGV[13], 1) end
    if not ARGV[13] or redis.call('HLEN', KEYS[2]) >= callers_min then open() end
  elseif op == 'ok' then
    probed = probed + 1
    if probed >= probe_successes then mode = 'closed'; restart() end
  end
end
redis.call('HSET', KEYS[1], 'mode', mode, 'window', string.format('%.0f', window), 's', s, 'f', f,
  'opened', string.format('%.0f', opened), 'probes', probes, 'lease', string.format('%.0f', lease),
  'probed', probed)
redis.call('PEXPIRE', KEYS[1], 60000 + window_ms + open_ms + lease_ms)
redis.call('PEXPIRE', KEYS[2], 60000 + window_ms + open_ms + lease_ms)
return {mode, granted, math.max(0, opened + open_ms - now)}
"""


class CircuitOpenError(RemoteUnavailableError):
    """The callee has been failing; the call was not made. Retry after `retry_after_s` seconds."""

    code = "circuit_open"

    def __init__(self, name: str, retry_after_s: float) -> None:
        super().__init__(f"circuit {name} is open", effect_possible=False)
        self.retry_after_s = retry_after_s


class CircuitBreaker:
    """One breaker by name; every process that names it shares its state."""

    def __init__(self, redis: "Redis", name: str, *, prefix: str = "", policy: BreakerPolicy | None = None) -> None:
        self.name = name
        self.policy = policy if policy is not None else BreakerPolicy()
        self._keys = [f"{prefix}breaker:{name}", f"{prefix}breaker:{name}:callers"]
        self._script = redis.register_script(_SCRIPT)
        self._policy_args = [getattr(self.policy, field) for field in self.policy.__struct_fields__]
        self._local = LocalBreaker(self.policy)
        self._gate = gate_of(redis)
        self._mode = Mode.CLOSED
        metrics.observe_breaker(name, Mode.CLOSED.level)
        self._looked_at = -STATE_CACHED_S
        self._open_until = 0.0
        self._successes = 0
        self._failures = 0
        self._failed_callers: list[str] = []
        self._look: asyncio.Task[None] | None = None
        self._refused_until = 0.0
        self._probe_calls: set[asyncio.Task[bool]] = set()

    @property
    def mode(self) -> Mode:
        """The state as this process last saw it."""
        return self._mode

    def refuses(self) -> float:
        """For a gauge: 0 for a breaker that this process saw closed just now, 1 for one that is not, else NaN."""
        if time.monotonic() - self._looked_at > STATE_BELIEVED_S:
            return math.nan
        return float(self._mode is not Mode.CLOSED)

    @asynccontextmanager
    async def guard(self, *, caller: str = "") -> AsyncGenerator[None, None]:
        """Run a call inside; raises CircuitOpenError instead of making it while the circuit is open.

        A failure of a call that arrived is the `caller`'s; what cannot be reached fails for everybody.
        """
        probing = await self.enter()
        try:
            yield
        except COUNTED as error:
            arrived = not isinstance(error, RemoteUnavailableError) or error.effect_possible
            await self.leave("failed", probing=probing, caller=caller if arrived else "")
            raise
        except BaseException:
            await self.leave("unknown", probing=probing)
            raise
        await self.leave("ok", probing=probing)

    async def enter(self) -> bool:
        """Ask for permission; True when the call is a probe. Pair with `leave` (or use `guard`)."""
        age_s = time.monotonic() - self._looked_at
        if age_s >= STATE_CACHED_S and (self._look is None or age_s >= STATE_BELIEVED_S):
            await self._report()
        if self._mode is Mode.CLOSED:
            return False
        if self._mode is Mode.OPEN and time.monotonic() < self._open_until:
            raise CircuitOpenError(self.name, self._open_until - time.monotonic())
        if time.monotonic() < self._refused_until or not await self._acquire():
            raise CircuitOpenError(self.name, max(0.1, self._open_until - time.monotonic()))
        return self.mode is not Mode.CLOSED  # what the answer just said

    async def leave(self, outcome: str, *, probing: bool, caller: str = "") -> None:
        """Report a call as `ok`, `failed` or `unknown`.

        A failure that names its `caller` may be that one's doing: it counts a few times and opens no half-open
        breaker alone. Without a name it says that the callee is ill.
        """
        if probing:
            # a caller that is cancelled just now must not keep the probe's place
            await asyncio.shield(self._ask_apart(outcome, caller))
            self._refused_until = 0.0  # a place is free again
        elif outcome == "ok":
            self._successes += 1
        elif outcome == "failed":
            if not caller:
                self._failures += 1
            elif len(self._failed_callers) < FAILED_CALLERS_MAX:
                self._failed_callers.append(caller)
            await self._report()

    async def _acquire(self) -> bool:
        """Ask for a probe's place; a caller that is cancelled before it knows gives back what it was granted."""
        asked = self._ask_apart("acquire")
        try:
            granted = await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(self._give_back)
            raise
        if not granted:
            self._refused_until = time.monotonic() + PROBE_PAUSE_S
        return granted

    def _give_back(self, asked: asyncio.Task[bool]) -> None:
        if not asked.cancelled() and asked.exception() is None and asked.result() and self._mode is not Mode.CLOSED:
            self._ask_apart("unknown")

    def _ask_apart(self, operation: str, caller: str = "") -> asyncio.Task[bool]:
        """Ask in a task of its own, which outlives the caller."""
        asked = asyncio.create_task(self._ask(operation, [caller] if caller else []))
        self._probe_calls.add(asked)
        asked.add_done_callback(self._probe_calls.discard)
        return asked

    async def _report(self) -> None:
        """Send what was counted and learn the state; whoever comes meanwhile waits for the same answer."""
        if self._look is None:
            self._look = asyncio.create_task(self._sync())
        # a caller that leaves must not take the others' answer, or the counts, away
        await asyncio.shield(self._look)

    async def _sync(self) -> None:
        try:
            await self._ask("sync")
            if self._failures or self._failed_callers:  # counted while the first report was on its way
                await self._ask("sync")
        finally:
            self._look = None

    async def _ask(self, operation: str, callers: Sequence[str] = ()) -> bool:
        successes, failures = self._successes, self._failures
        self._successes = self._failures = 0
        if operation == "sync":
            callers, self._failed_callers = self._failed_callers, []
        args = [operation, successes, failures, *self._policy_args, *callers]
        try:
            mode, granted, left_ms = await self._gate.ask(lambda: self._script(keys=self._keys, args=args))
        except RedisUnavailableError:
            return self._ask_local(operation, successes, failures, callers=callers)
        self._learn(Mode(mode.decode() if isinstance(mode, bytes) else mode), float(left_ms))
        return bool(granted)

    def _ask_local(self, operation: str, successes: int, failures: int, *, callers: Sequence[str]) -> bool:
        now_ms = time.monotonic() * 1000
        granted = True
        if operation == "acquire":
            granted = self._local.acquire_probe(now_ms)
        elif operation == "sync":
            self._local.record(successes, failures, now_ms, callers=callers)
        else:
            self._local.end_probe(operation, now_ms, caller=next(iter(callers), ""))
        self._learn(self._local.mode, self._local.open_left_ms(now_ms))
        return granted

    def _learn(self, mode: Mode, open_left_ms: float) -> None:
        now = time.monotonic()
        if mode is Mode.OPEN and self._mode is not Mode.OPEN:
            log.warning("breaker_opened", target=self.name)
        if mode is not self._mode:
            metrics.observe_breaker(self.name, mode.level)
        self._mode = mode
        self._looked_at = now
        self._open_until = now + open_left_ms / 1000 if mode is Mode.OPEN else now
