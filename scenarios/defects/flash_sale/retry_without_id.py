"""Planted: an answer that is late is taken for a failure, and the stock is asked for again under a new id."""

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.ids import new_id
from svc.orders.clients import Reservation

LATE_EVERY = 3


def twin(healthy: Any) -> Any:
    """The inventory client with a retry that forgets what it is repeating."""
    return _ForgetfulInventory(healthy)


class _ForgetfulInventory:
    def __init__(self, healthy: Any) -> None:
        self._healthy = healthy
        self._calls = itertools.count(1)

    async def reserve(self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]) -> Reservation:
        """Every third answer comes after the client's patience; what it says is never read."""
        if next(self._calls) % LATE_EVERY:
            return await self._healthy.reserve(reservation_id, customer_id, lines)
        await self._healthy.reserve(reservation_id, customer_id, lines)
        return await self._healthy.reserve(new_id(), customer_id, lines)

    async def reservation(self, reservation_id: UUID) -> Reservation | None:
        return await self._healthy.reservation(reservation_id)

    async def release(self, reservation_id: UUID, *, reason: str) -> None:
        await self._healthy.release(reservation_id, reason=reason)
