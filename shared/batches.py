"""Many items done in one transaction, and what becomes of the others when one of them surprises."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from shared.database import CONTENDED, GONE
from shared.errors import WorldError

ALIKE = (WorldError, *GONE, *CONTENDED)
"""What the world breaks is no item's fault: it hits all of an attempt alike, and another would meet it too."""

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger(__name__)


async def by_halves(
    items: Sequence[T], attempt: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
) -> list[R | Exception]:
    """One outcome per item, in their order: all in one attempt, and where that fails each half in one of its own.

    An attempt that raises must have had no effect. Only the item that surprises, which is found in as many steps as the
    batch can be halved, gets its exception; the effect of an attempt that succeeded stays.
    """
    if not items:
        return []
    try:
        outcomes = list(await attempt(items))
        assert len(outcomes) == len(items), "an attempt answers every item"
    except ALIKE as error:
        log.warning("batch_failed", items=len(items), error=repr(error))
        return [error] * len(items)
    except Exception as error:  # noqa: BLE001 it is the item's outcome once it is alone
        if len(items) == 1:
            return [error]
        log.warning("batch_halved", items=len(items), error=repr(error))
    else:
        return outcomes
    middle = len(items) // 2
    return [*await by_halves(items[:middle], attempt), *await by_halves(items[middle:], attempt)]
