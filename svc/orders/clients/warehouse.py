"""Shipping as the keeper of the goods."""

from typing import Literal, Protocol
from uuid import UUID

import msgspec

from shared.service_client import ServiceClient
from svc.orders.domain.order import Withholding
from svc.orders.settings import Settings


class Warehouse(Protocol):
    async def withhold(self, order_id: UUID) -> Withholding: ...


class _Withheld(msgspec.Struct):
    outcome: Literal["withheld", "too_late", "undecided"]


_ANSWERS = {"withheld": Withholding.WITHHELD, "too_late": Withholding.TOO_LATE, "undecided": Withholding.UNANSWERED}


class WarehouseClient:
    """Shipping as the keeper of the goods; asking again changes nothing."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.withhold_timeout_s

    async def withhold(self, order_id: UUID) -> Withholding:
        """Whether the goods of an order stay here; `unanswered` while the carrier may just be taking them."""
        answer = await self._client.request(
            "shipping",
            "POST",
            f"/internal/orders/{order_id}/withhold",
            response_type=_Withheld,
            idempotent=True,
            timeout_s=self._timeout_s,
        )
        return _ANSWERS[answer.outcome]
