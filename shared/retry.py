"""Retries with jittered back-off, a bound on attempts and a budget, at exactly one layer of a call.

Never repeats what ran out of its own time: a TimeoutError is an OSError, and is retried only when named.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import stamina
import stamina.instrumentation

from shared import deadline
from shared.errors import Refusal

ATTEMPTS_MAX = 10
WAIT_INITIAL_S = 0.02
WAIT_MAX_S = 0.5
WAIT_JITTER_S = 0.05

# its default writes a log line and counts a metric for every retry, which in an outage is a second outage
stamina.instrumentation.set_on_retry_hooks(())

T = TypeVar("T")
On = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool]


class RetryBudget:
    """Allows retries as a share of the calls made, so that a failing callee is not buried under them.

    Every call earns `ratio` of a retry, up to `reserve` saved ones (gRPC's retry throttling).
    """

    __slots__ = ("_saved", "ratio", "reserve")

    def __init__(self, *, ratio: float = 0.1, reserve: float = 10.0) -> None:
        self.ratio = ratio
        self.reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Note one first attempt."""
        self._saved = min(self.reserve, self._saved + self.ratio)

    def spend(self) -> bool:
        """Take one retry; False when none is left."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True


async def retrying(
    operation: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    on: On,
    budget: RetryBudget | None = None,
) -> T:
    """Await the operation, at most `attempts` times, within the current deadline; raise its last error.

    A Refusal and one's own running out of time are never retried; without a budget only attempts bound it.
    """
    if not 1 <= attempts <= ATTEMPTS_MAX:
        raise ValueError(f"attempts must be between 1 and {ATTEMPTS_MAX}")
    if budget is not None:
        budget.earn()
    try:
        return await operation()  # the usual case pays for nothing but itself
    except Exception as first:
        if attempts == 1 or not _may_retry(first, on) or not _may_spend(budget):
            raise
        failed = first
    return await _retry(operation, failed, attempts=attempts, on=on, budget=budget)


async def _retry(
    operation: Callable[[], Awaitable[T]],
    failed: Exception,
    *,
    attempts: int,
    on: On,
    budget: RetryBudget | None,
) -> T:
    made = 0

    def again(error: Exception) -> bool:
        if made == 1:
            return True  # the first failure was judged and paid for before
        return made < attempts and _may_retry(error, on) and _may_spend(budget)

    async for attempt in stamina.retry_context(
        on=again,
        attempts=attempts,
        timeout=deadline.remaining_s(60.0),
        wait_initial=WAIT_INITIAL_S,
        wait_max=WAIT_MAX_S,
        wait_jitter=WAIT_JITTER_S,
    ):
        with attempt:
            made += 1
            if made == 1:
                raise failed  # the first attempt is behind us: this makes stamina wait
            return await operation()
    raise AssertionError("the retry context ends by returning or raising")


def _may_retry(error: BaseException, on: On) -> bool:
    if isinstance(error, Refusal):
        return False
    if isinstance(on, type):
        matches = _is_named(error, (on,))
    elif isinstance(on, tuple):
        matches = _is_named(error, cast("tuple[type[BaseException], ...]", on))
    else:
        matches = on(error)
    current = deadline.current()
    return matches and (current is None or not current.expired)


def _may_spend(budget: RetryBudget | None) -> bool:
    return budget is None or budget.spend()


def _is_named(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    if isinstance(error, TimeoutError) and not any(issubclass(kind, TimeoutError) for kind in kinds):
        return False
    return isinstance(error, kinds)
