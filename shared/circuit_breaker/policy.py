"""When a breaker opens and closes: the numbers, and the same rules in Python for a process without Redis."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec


class Mode(StrEnum):
    """Closed lets calls through, open refuses them, half-open lets a few probes through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"

    @property
    def level(self) -> int:
        """How far from closed, for gauges: 0, half open 1, open 2."""
        return _LEVELS[self]


_LEVELS: Final = {Mode.CLOSED: 0, Mode.HALF_OPEN: 1, Mode.OPEN: 2}


class BreakerPolicy(msgspec.Struct, frozen=True):
    """Opens at `failures_min` failures that are at least `failure_percent` of a window's calls.

    After `open_ms` at most `probes_max` calls at a time may try; `probe_successes` of them close it, one
    failure opens it again. A probe that never reports is given up after `probe_lease_ms`.

    So that one caller's own requests cannot open it for all, a failure that names its caller counts at most
    `per_caller_max` times a window, and takes `callers_min` different ones to open a half-open breaker again.
    """

    window_ms: int = 5_000
    failures_min: int = 5
    failure_percent: int = 50
    open_ms: int = 1_000
    probes_max: int = 2
    probe_successes: int = 2
    probe_lease_ms: int = 3_000
    per_caller_max: int = 2
    callers_min: int = 2

    def __post_init__(self) -> None:
        assert self.per_caller_max < self.failures_min, "one caller could open it"


class LocalBreaker:
    """The rules of the script in breaker.py, over this process's calls alone. Times are milliseconds."""

    def __init__(self, policy: BreakerPolicy) -> None:
        self.policy = policy
        self.mode = Mode.CLOSED
        self.opened_at = 0.0
        self._window_at = 0.0
        self._successes = 0
        self._failures = 0
        self._probes = 0
        self._probes_until = 0.0
        self._probed = 0
        self._callers: Counter[str] = Counter()

    def record(self, successes: int, failures: int, now_ms: float, *, callers: Sequence[str] = ()) -> None:
        """Count finished calls; may open a closed breaker."""
        if self.mode is not Mode.CLOSED:
            return
        if now_ms - self._window_at >= self.policy.window_ms:
            self._restart(now_ms)
        self._successes += successes
        self._failures += failures
        for caller in callers:
            self._callers[caller] += 1
            self._failures += self._callers[caller] <= self.policy.per_caller_max
        calls = self._successes + self._failures
        enough = self._failures >= self.policy.failures_min
        if enough and self._failures * 100 >= self.policy.failure_percent * calls:
            self._open(now_ms)

    def acquire_probe(self, now_ms: float) -> bool:
        """Ask to try once; True in a closed breaker, or when a probe's place is free."""
        if self.mode is Mode.CLOSED:
            return True
        if self.mode is Mode.OPEN:
            if now_ms - self.opened_at < self.policy.open_ms:
                return False
            self.mode, self._probes, self._probed = Mode.HALF_OPEN, 0, 0
            self._callers.clear()
        if now_ms >= self._probes_until:
            self._probes = 0
        if self._probes >= self.policy.probes_max:
            return False
        self._probes += 1
        self._probes_until = now_ms + self.policy.probe_lease_ms
        return True

    def end_probe(self, outcome: str, now_ms: float, *, caller: str = "") -> None:
        """Report a probe: `ok`, `failed` or `unknown` (cancelled, refused by the caller)."""
        if self.mode is not Mode.HALF_OPEN:
            return
        self._probes = max(0, self._probes - 1)
        if outcome == "failed":
            self._callers.update([caller] if caller else ())
            if not caller or len(self._callers) >= self.policy.callers_min:
                self._open(now_ms)
        elif outcome == "ok":
            self._probed += 1
            if self._probed >= self.policy.probe_successes:
                self.mode = Mode.CLOSED
                self._restart(now_ms)

    def open_left_ms(self, now_ms: float) -> float:
        return max(0.0, self.opened_at + self.policy.open_ms - now_ms) if self.mode is Mode.OPEN else 0.0

    def _restart(self, now_ms: float) -> None:
        self._window_at, self._successes, self._failures = now_ms, 0, 0
        self._callers.clear()

    def _open(self, now_ms: float) -> None:
        self.mode, self.opened_at = Mode.OPEN, now_ms
