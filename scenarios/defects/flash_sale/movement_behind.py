"""Planted: the movements of a batch are written by the next one, outside the transaction that changed the stock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest

CARD = DefectCard(
    id="movement-behind",
    title="Movements are written behind the stock",
    parts=("inventory.reserve",),
    root_cause=(
        "The movement of a hold is queued and written by the next batch, outside the transaction that changed the "
        "stock; the last ones and those of a killed process never come."
    ),
    caught_by=("INV-01",),
    exposed_by="Any end of traffic, and a kill -9.",
    symptoms="'The stock movement was recorded while the parent update was incomplete': sums do not match.",
    fix="Write both in one transaction.",
    origin="Audit tables filled by a background queue.",
)


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A reserve that keeps its movements in memory for a while."""
    behind: list[Any] = []

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        skus = broken_reserve.wanted_skus(requests)
        levels = await store.lock_levels(uow.connection, skus)
        limits = await store.limits(uow.connection, skus)
        held = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))

        async def write(connection: Connection, granted: broken_reserve.Granted) -> dict[UUID, datetime]:
            late, behind[:] = list(behind), granted
            if late:
                await broken_reserve.insert_movements(connection, late)
            expiries = await broken_reserve.insert_without_stock(connection, granted)
            await broken_reserve.set_reserved(connection, granted, levels)
            return expiries

        return await broken_reserve.serve(uow, requests, levels=levels, limits=limits, held=held, write=write)

    return reserve


TWINS: Twins = {"inventory.reserve": twin}
