"""What happened to an order beside its status: parcels, notes, the trigger's history and the events told."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.unit_of_work import Connection
from svc.orders.domain.order import Parcel


async def see_parcel(
    connection: Connection, order_id: UUID, shipment_id: UUID, state: Parcel, *, carrier: str, tracking_number: str
) -> Parcel:
    """Note how far a parcel is, never back; gives how far the order's goods are. The order is locked."""
    await connection.execute(
        "INSERT INTO order_parcels AS known (order_id, shipment_id, state, carrier, tracking_number) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (order_id, shipment_id) "
        "DO UPDATE SET state = excluded.state WHERE known.state < excluded.state",
        order_id,
        shipment_id,
        state.value,
        carrier,
        tracking_number,
    )
    row = await connection.fetchrow(
        "SELECT min(state) AS low, max(state) AS high FROM order_parcels WHERE order_id = $1", order_id
    )
    assert row is not None
    return parcel_of(row["low"], row["high"])


async def parcels(connection: Connection, order_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(
        "SELECT shipment_id, state, carrier, tracking_number FROM order_parcels WHERE order_id = $1 "
        "ORDER BY state DESC, shipment_id",
        order_id,
    )


async def note(connection: Connection, order_id: UUID, *, actor: str, note: str) -> None:
    """Write down what happened to an order without moving it."""
    await connection.execute(
        "INSERT INTO order_notes (order_id, actor, note) VALUES ($1, $2, $3)", order_id, actor, note
    )


async def history(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    return await connection.fetch(
        "SELECT from_status, to_status, actor, reason, at FROM order_transitions WHERE order_id = $1 ORDER BY id",
        order_id,
    )


async def notes(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    return await connection.fetch("SELECT actor, note, at FROM order_notes WHERE order_id = $1 ORDER BY id", order_id)


async def events(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    """The order's outbox rows that are still kept."""
    return await connection.fetch(
        "SELECT id, type, aggregate_version, created_at, sent_at FROM outbox WHERE aggregate_id = $1 "
        "ORDER BY aggregate_version",
        str(order_id),
    )


def parcel_of(low: int, high: int) -> Parcel:
    """How far the goods are: on their way with the first parcel, delivered with the last."""
    if low == Parcel.DELIVERED:
        return Parcel.DELIVERED
    return Parcel.DISPATCHED if high >= Parcel.DISPATCHED else Parcel.CREATED
