"""How repairs ask a fleet for many orders: one that refuses stops none of the others."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from scenarios.fleet import FleetRefusedError


class Caller(Protocol):
    """What the steps need of a fleet."""

    async def call(self, service: str, method: str, path: str, *, json: object = ..., headers: Any = ...) -> Any: ...


async def refused(steps: Iterable[tuple[str, Callable[[], Awaitable[object]]]]) -> dict[str, str]:
    """Take every step, one after the other; gives the orders that refused theirs, by id, with what they were told."""
    reasons: dict[str, str] = {}
    for order_id, step in steps:
        try:
            await step()
        except FleetRefusedError as error:
            reasons[order_id] = str(error)
    return reasons
