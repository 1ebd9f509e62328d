"""Planted: one counter in Redis is the truth, and every process that starts sets it back to the opening figure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.redis_client import redis_of
from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest, StockLevel

CARD = DefectCard(
    id="stale-reseed",
    title="A counter is seeded again from a stale snapshot",
    parts=("inventory.reserve", "inventory.release_hold"),
    root_cause=(
        "All processes sell from one counter in Redis that goes down and up atomically. A process that starts seeds it "
        "from a snapshot taken when the sale opened: what was sold since is for sale again."
    ),
    caught_by=("INV-02",),
    exposed_by="A process that is killed, restarted or added in the middle of the sale.",
    symptoms="Exact for hours, then oversold by what had been sold before a deployment, to the unit.",
    fix="Let the constrained row decide; seed a counter only where none is, and from the row under its lock.",
    origin="Cache warm-ups in start scripts; counters restored from a backup.",
)


def twin(_healthy: Any, settings: ServiceSettings) -> Any:
    """A reserve whose counter is set back by each process that sees a SKU for the first time."""
    seeded: set[str] = set()

    async def seed(redis: Redis, connection: Connection, sku: str) -> None:
        levels = await broken_reserve.unlocked_levels(connection, [sku])
        await redis.set(f"{settings.prefix}snapshot:{sku}", sum(level.available for level in levels), nx=True)
        snapshot = await redis.get(f"{settings.prefix}snapshot:{sku}")
        await redis.set(f"{settings.prefix}counter:{sku}", int(snapshot))
        seeded.add(sku)

    async def take(redis: Redis, sku: str, units: int) -> int:
        """How many of the units the counter has; it gives up what is taken."""
        left = await redis.decrby(f"{settings.prefix}counter:{sku}", units)
        missing = min(units, max(0, -left))
        await redis.incrby(f"{settings.prefix}counter:{sku}", missing)
        return units - missing

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        skus = broken_reserve.wanted_skus(requests)
        wanted = {sku: sum(_quantity(request, sku) for request in requests) for sku in skus}
        async with redis_of(settings) as redis:
            for sku in skus:
                if sku not in seeded:
                    await seed(redis, uow.connection, sku)
            taken = {sku: await take(redis, sku, units) for sku, units in wanted.items()}
        limits = await store.limits(uow.connection, skus)
        held = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))
        levels = [StockLevel(store.DEFAULT_WAREHOUSE, sku, units) for sku, units in taken.items()]

        async def write(connection: Connection, granted: broken_reserve.Granted) -> dict[UUID, datetime]:
            expiries = await broken_reserve.insert_without_stock(connection, granted)
            await broken_reserve.insert_movements(connection, granted)
            await broken_reserve.add_reserved(connection, granted)
            for _, placements in granted:
                for placement in placements:
                    taken[placement.sku] -= placement.quantity
            return expiries

        answers = await broken_reserve.serve(uow, requests, levels=levels, limits=limits, held=held, write=write)
        await _give_back(settings, taken)
        return answers

    return reserve


def _quantity(request: HoldRequest, sku: str) -> int:
    return sum(line.quantity for line in request.lines if line.sku == sku)


def release_twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A cancellation that counts its units as for sale again."""

    async def count_up(connection: Connection, order_ids: list[UUID]) -> None:
        lines = await connection.fetch(
            "SELECT sku, sum(quantity) AS units FROM reservation_lines WHERE reservation_id = ANY($1) GROUP BY sku",
            order_ids,
        )
        await _give_back(settings, {line["sku"]: int(line["units"]) for line in lines})

    async def release_hold(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        await healthy(uow, envelope)
        uow.before_commit(count_up, envelope.data.order_id)

    return release_hold


async def _give_back(settings: ServiceSettings, units: Mapping[str, int]) -> None:
    async with redis_of(settings) as redis:
        for sku, count in units.items():
            await redis.incrby(f"{settings.prefix}counter:{sku}", count)


TWINS: Twins = {"inventory.reserve": twin, "inventory.release_hold": release_twin}
