"""Planted: holds are ended by their age alone, whether or not their order is being paid."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.inventory import handlers
from svc.inventory.domain import HoldOutcome

CARD = DefectCard(
    id="hasty-sweeper",
    title="The sweeper releases what is being paid",
    parts=("inventory.expired_holds", "inventory.expire_holds"),
    root_cause="Holds are expired by age alone, without a look at whether their order exists.",
    caught_by=("INV-02", "INV-12"),
    exposed_by="Payments that take longer than the sweeper's patience.",
    symptoms="Customers with a confirmed order are told minutes later that it cannot be served.",
    fix="Pin the hold when the order exists; end it only by commit or release.",
    origin="TTL shorter than the payment.",
)

PATIENCE_S = 0.25
EVERY_S = 0.05
ROWS_MAX = 20

_OLD_HOLDS = """
    SELECT id FROM reservations WHERE status = 'held'
    AND created_at BETWEEN clock_timestamp() - interval '30 seconds'
                   AND clock_timestamp() - make_interval(secs => $1)
    ORDER BY id LIMIT $2
"""


def _expired_holds(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A look that does not ask whether the order exists, and that never rests."""

    async def expired_holds(uow: UnitOfWork) -> list[UUID]:
        while True:
            await asyncio.sleep(EVERY_S)
            rows = await uow.connection.fetch(_OLD_HOLDS, PATIENCE_S, ROWS_MAX)
            if rows:
                return [row["id"] for row in rows]

    return expired_holds


def _expire_holds(_healthy: Any, _settings: ServiceSettings) -> Any:
    """All of them are ended, whatever has become of them."""

    async def expire_holds(uow: UnitOfWork, reservation_ids: Sequence[UUID]) -> None:
        for reservation_id in reservation_ids:
            await handlers.end_hold(uow, reservation_id, HoldOutcome.EXPIRED, reason="expired")

    return expire_holds


TWINS: Twins = {"inventory.expired_holds": _expired_holds, "inventory.expire_holds": _expire_holds}
