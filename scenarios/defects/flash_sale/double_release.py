"""Planted: a cancellation lowers the reserved figure once more than the hold it ends."""

from typing import Any

from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled
from shared.unit_of_work import UnitOfWork
from svc.inventory import handlers


def twin(healthy: Any) -> Any:
    """The subscription with a cancellation that is applied twice."""

    async def release_hold(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        await handlers.release_hold(uow, envelope)
        await uow.connection.execute(
            """
            UPDATE stock SET reserved = GREATEST(0, reserved - quantity), version = version + 1
            FROM reservation_lines AS lines
            WHERE lines.reservation_id = $1 AND stock.warehouse = lines.warehouse AND stock.sku = lines.sku
            """,
            envelope.data.order_id,
        )

    return {**healthy, OrderCancelled: release_hold}
