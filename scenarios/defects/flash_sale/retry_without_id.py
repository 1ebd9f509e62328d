"""Planted: a slow reservation is taken for a failed one and asked for again, under a new id."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.ids import new_id
from svc.orders.clients import Reservation

PATIENCE_S = 0.001


def twin(healthy: Any) -> Any:
    """The inventory client with a retry that forgets what it is repeating."""
    return _ForgetfulInventory(healthy)


class _ForgetfulInventory:
    def __init__(self, healthy: Any) -> None:
        self._healthy = healthy

    async def reserve(self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]) -> Reservation:
        first = asyncio.ensure_future(self._healthy.reserve(reservation_id, customer_id, lines))
        done, _ = await asyncio.wait({first}, timeout=PATIENCE_S)
        if done:
            return first.result()
        second = asyncio.ensure_future(self._healthy.reserve(new_id(), customer_id, lines))
        answers = await asyncio.gather(first, second, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, Reservation):
                return answer
        raise answers[0]  # type: ignore[misc]

    async def reservation(self, reservation_id: UUID) -> Reservation | None:
        return await self._healthy.reservation(reservation_id)

    async def release(self, reservation_id: UUID, *, reason: str) -> None:
        await self._healthy.release(reservation_id, reason=reason)
