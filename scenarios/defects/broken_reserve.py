"""What the reservation twins share: the healthy flow taken apart, so that each can break one joint of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from shared.contracts import StockLine
from shared.contracts.inventory import InventoryReserved
from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest, Placement, StockLevel, allocate

Granted = Sequence[tuple[HoldRequest, tuple[Placement, ...]]]
Write = Callable[[Connection, Granted], Awaitable[dict[UUID, datetime]]]

_UNLOCKED_LEVELS = """
    SELECT warehouse, sku, on_hand - reserved AS available FROM stock WHERE sku = ANY($1::text[])
    ORDER BY sku, warehouse
"""
_INSERT = """
    WITH holds AS (
        INSERT INTO reservations (id, customer_id, status, expires_at)
        SELECT id, customer_id, 'held', clock_timestamp() + make_interval(secs => ttl_s)
        FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) AS new (id, customer_id, ttl_s)
        RETURNING id, expires_at
    ), placed AS (
        INSERT INTO reservation_lines (reservation_id, warehouse, sku, quantity)
        SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::integer[])
    )
    SELECT id, expires_at FROM holds
"""


def wanted_skus(requests: Sequence[HoldRequest]) -> list[str]:
    """The SKUs of a batch."""
    return sorted({line.sku for request in requests for line in request.lines})


async def unlocked_levels(connection: Connection, skus: Sequence[str]) -> list[StockLevel]:
    """Free units as anybody may read them, without a lock."""
    rows = await connection.fetch(_UNLOCKED_LEVELS, skus)
    return [StockLevel(row["warehouse"], row["sku"], row["available"]) for row in rows]


async def sell_what_was_read(
    uow: UnitOfWork, requests: Sequence[HoldRequest], *, after_s: float
) -> list[Hold | Exception]:
    """Read without a lock, think, then write the figure that follows from what was read."""
    skus = wanted_skus(requests)
    levels = await unlocked_levels(uow.connection, skus)
    limits = await store.limits(uow.connection, skus)
    held = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))
    await asyncio.sleep(after_s)

    async def write(connection: Connection, granted: Granted) -> dict[UUID, datetime]:
        expiries = await insert_without_stock(connection, granted)
        await insert_movements(connection, granted)
        await set_reserved(connection, granted, levels)
        return expiries

    return await serve(uow, requests, levels=levels, limits=limits, held=held, write=write)


async def serve(
    uow: UnitOfWork,
    requests: Sequence[HoldRequest],
    *,
    levels: Sequence[StockLevel],
    limits: Mapping[str, int],
    held: Mapping[tuple[UUID, str], int],
    write: Write,
) -> list[Hold | Exception]:
    """Allocate and write as the healthy handler does, from whatever levels and limits the twin believes in."""
    existing = await store.holds(uow.connection, [request.reservation_id for request in requests])
    outcomes = allocate(requests, levels=levels, existing=existing, limits=limits, held_by_customer=held)
    granted = [
        (request, outcome) for request, outcome in zip(requests, outcomes, strict=True) if isinstance(outcome, tuple)
    ]
    expiries = await write(uow.connection, granted) if granted else {}
    answers: list[Hold | Exception] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if not isinstance(outcome, tuple):
            answers.append(outcome)
            continue
        hold = Hold(
            reservation_id=request.reservation_id,
            customer_id=request.customer_id,
            status="held",
            expires_at=expiries[request.reservation_id],
            placements=outcome,
        )
        _tell(uow, hold)
        answers.append(hold)
    return answers


async def insert_without_stock(connection: Connection, granted: Granted) -> dict[UUID, datetime]:
    """Holds and lines, but neither stock nor movements."""
    lines = [(request.reservation_id, placement) for request, placements in granted for placement in placements]
    rows = await connection.fetch(
        _INSERT,
        [request.reservation_id for request, _ in granted],
        [request.customer_id for request, _ in granted],
        [request.ttl_s for request, _ in granted],
        [reservation_id for reservation_id, _ in lines],
        [placement.warehouse for _, placement in lines],
        [placement.sku for _, placement in lines],
        [placement.quantity for _, placement in lines],
    )
    return {row["id"]: row["expires_at"] for row in rows}


async def insert_movements(connection: Connection, granted: Granted) -> None:
    """The reserve movements of the holds."""
    lines = [(request.reservation_id, placement) for request, placements in granted for placement in placements]
    await connection.execute(
        """
        INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id)
        SELECT warehouse, sku, 'reserve', 0, quantity, id
        FROM unnest($1::text[], $2::text[], $3::integer[], $4::uuid[]) AS new (warehouse, sku, quantity, id)
        """,
        [placement.warehouse for _, placement in lines],
        [placement.sku for _, placement in lines],
        [placement.quantity for _, placement in lines],
        [reservation_id for reservation_id, _ in lines],
    )


async def set_reserved(connection: Connection, granted: Granted, levels: Sequence[StockLevel]) -> None:
    """Write the figure computed from what was read, over whatever stands there now."""
    taken: dict[tuple[str, str], int] = {}
    for _, placements in granted:
        for placement in placements:
            key = (placement.warehouse, placement.sku)
            taken[key] = taken.get(key, 0) + placement.quantity
    for level in levels:
        units = taken.get((level.warehouse, level.sku), 0)
        await connection.execute(
            "UPDATE stock SET reserved = on_hand - $3::integer, version = version + 1 "
            "WHERE warehouse = $1 AND sku = $2",
            level.warehouse,
            level.sku,
            max(0, level.available - units),
        )


async def add_reserved(connection: Connection, granted: Granted) -> None:
    """Raise the figure by what was granted, as far as the table lets it."""
    for _, placements in granted:
        for placement in placements:
            await connection.execute(
                "UPDATE stock SET reserved = LEAST(on_hand, reserved + $3::integer), version = version + 1 "
                "WHERE warehouse = $1 AND sku = $2",
                placement.warehouse,
                placement.sku,
                placement.quantity,
            )


def _tell(uow: UnitOfWork, hold: Hold) -> None:
    uow.publish(
        InventoryReserved(
            reservation_id=hold.reservation_id,
            order_id=hold.reservation_id,
            customer_id=hold.customer_id,
            lines=[
                StockLine(sku=placement.sku, quantity=placement.quantity, warehouse=placement.warehouse)
                for placement in hold.placements
            ],
            expires_at=hold.expires_at,
        ),
        aggregate_id=hold.reservation_id,
        aggregate_version=1,
    )
