"""What a rate limit is, what one hit is told, and the refusal of a caller that is too fast."""

import msgspec

from shared.errors import Kind, Refusal


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
