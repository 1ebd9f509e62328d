"""Planted: a cancellation lowers the reserved figure once more than the hold it ends."""

from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection, UnitOfWork

CARD = DefectCard(
    id="double-release",
    title="A release is applied twice",
    parts=("inventory.release_hold",),
    root_cause="The stock figure is lowered without asking whether the hold was still live; stock grows.",
    caught_by=("INV-01",),
    exposed_by="Cancelled orders: declined cards during the sale.",
    symptoms="Reserved is lower than the sum of live holds; later buyers get units that are not there.",
    fix="Compare-and-set on the hold's status, and move stock only when it changed.",
    origin="Redelivered cancellation without an inbox or a status check.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A cancellation that is applied twice."""

    async def release_hold(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        await healthy(uow, envelope)
        uow.before_commit(_release_again, envelope.data.order_id)

    return release_hold


async def _release_again(connection: Connection, order_ids: list[UUID]) -> None:
    """The second time, whatever the status says."""
    for order_id in order_ids:
        await connection.execute(
            """
            UPDATE stock SET reserved = GREATEST(0, reserved - quantity), version = version + 1
            FROM reservation_lines AS lines
            WHERE lines.reservation_id = $1 AND stock.warehouse = lines.warehouse AND stock.sku = lines.sku
            """,
            order_id,
        )


TWINS: Twins = {"inventory.release_hold": twin}
