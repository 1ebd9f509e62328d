"""Planted: every process sells from a counter of its own, seeded from the table when it first sees a SKU."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest, StockLevel

CARD = DefectCard(
    id="counter-as-truth",
    title="A counter in memory is the truth",
    parts=("inventory.reserve",),
    root_cause=(
        "Each process seeds a counter from the database when it first sees a SKU and sells from the counter; the "
        "table is written behind."
    ),
    caught_by=("INV-02",),
    exposed_by="More than one process, or one restarted in the middle of the sale.",
    symptoms="Sold is a multiple of the supply, by the number of processes; each process's own log adds up.",
    fix="Let the constrained row decide; use counters as hints only.",
    origin="Cache-as-truth counters re-seeded from a stale snapshot.",
)


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A reserve whose counters know nothing of the other process."""
    counters: dict[str, list[StockLevel]] = {}

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        skus = broken_reserve.wanted_skus(requests)
        for sku in skus:
            if sku not in counters:
                rows = await uow.connection.fetch("SELECT warehouse, sku, on_hand FROM stock WHERE sku = $1", sku)
                counters[sku] = [StockLevel(row["warehouse"], row["sku"], row["on_hand"]) for row in rows]
        levels = [level for sku in skus for level in counters[sku]]
        limits = await store.limits(uow.connection, skus)
        held = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))

        async def write(connection: Connection, granted: broken_reserve.Granted) -> dict[UUID, datetime]:
            expiries = await broken_reserve.insert_without_stock(connection, granted)
            await broken_reserve.insert_movements(connection, granted)
            await broken_reserve.set_reserved(connection, granted, levels)
            _count_down(counters, granted)
            return expiries

        return await broken_reserve.serve(uow, requests, levels=levels, limits=limits, held=held, write=write)

    return reserve


def _count_down(counters: dict[str, list[StockLevel]], granted: broken_reserve.Granted) -> None:
    for _, placements in granted:
        for placement in placements:
            counters[placement.sku] = [
                StockLevel(
                    level.warehouse,
                    level.sku,
                    level.available - (placement.quantity if level.warehouse == placement.warehouse else 0),
                )
                for level in counters[placement.sku]
            ]


TWINS: Twins = {"inventory.reserve": twin}
