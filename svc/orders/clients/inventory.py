"""Holds at inventory, by the order's id."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from shared.errors import RemoteRefusal
from shared.service_client import ServiceClient
from svc.orders.settings import Settings


class Reservation(msgspec.Struct, frozen=True):
    reservation_id: UUID
    status: str
    restocked: bool = False

    @property
    def held(self) -> bool:
        return self.status == "held"

    @property
    def undone(self) -> bool:
        """Whether none of its units are taken: given back, or committed and come back since."""
        return self.restocked or self.status in {"released", "expired"}


class Inventory(Protocol):
    async def reserve(
        self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]
    ) -> Reservation: ...

    async def pin(self, reservation_id: UUID) -> Reservation: ...

    async def reservation(self, reservation_id: UUID) -> Reservation | None: ...

    async def release(self, reservation_id: UUID, *, reason: str) -> None: ...


class InventoryClient:
    """Holds by reservation id, which is the order's id: repeating any of these calls changes nothing."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.reserve_timeout_s

    async def reserve(self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]) -> Reservation:
        """Hold all lines or nothing. A repeat gives the reservation as it stands, which may have ended."""
        return await self._client.request(
            "inventory",
            "POST",
            "/internal/reservations",
            json={
                "reservation_id": reservation_id,
                "customer_id": customer_id,
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            },
            response_type=Reservation,
            idempotent=True,
            timeout_s=self._timeout_s,
        )

    async def pin(self, reservation_id: UUID) -> Reservation:
        """Let the hold last until the order ends; gives it as it stands, which may have ended before."""
        return await self._client.request(
            "inventory",
            "POST",
            f"/internal/reservations/{reservation_id}/pin",
            response_type=Reservation,
            idempotent=True,
            timeout_s=self._timeout_s,
        )

    async def reservation(self, reservation_id: UUID) -> Reservation | None:
        """The reservation as it stands; None when inventory never heard of it."""
        try:
            return await self._client.request(
                "inventory",
                "GET",
                f"/internal/reservations/{reservation_id}",
                response_type=Reservation,
                timeout_s=self._timeout_s,
            )
        except RemoteRefusal as refusal:
            if refusal.code == "unknown_reservation":
                return None
            raise

    async def release(self, reservation_id: UUID, *, reason: str) -> None:
        """Give a hold back; one that never came cannot come any more."""
        await self._client.request(
            "inventory",
            "POST",
            f"/internal/reservations/{reservation_id}/release",
            json={"reason": reason},
            idempotent=True,
            timeout_s=self._timeout_s,
        )
