"""Shipments and the orders they may be sent for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts import Address
from shared.unit_of_work import Connection
from shared.work_table import CallColumn, WorkTable
from svc.shipping.domain.parcels import IN_HOUSE, Call, Direction, ShipmentStatus
from svc.shipping.domain.returns import Content

_COLUMNS = """
    id, order_id, number, order_number, customer_id, email, address, method, weight_g, status, cancel_requested,
    carrier, tracking_number, label_url, call, attempts, version, traceparent, created_at, updated_at, direction,
    warehouse, box, lines, promised_for, return_of, return_reason
"""
_INSERT = """
    INSERT INTO shipments
        (id, order_id, number, order_number, customer_id, email, address, method, weight_g, carrier, traceparent,
         direction, warehouse, box, lines, promised_for, return_of, return_reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    ON CONFLICT DO NOTHING
"""
_LABELLED = """
    UPDATE shipments SET status = 'labelled', tracking_number = $2, label_url = $3, call = 'none', unknown_since = NULL,
        attempts = 0, due_at = clock_timestamp() + make_interval(secs => $4),
        version = version + (direction = 'outbound')::integer,
        updated_at = clock_timestamp()
    WHERE id = $1 AND status = 'created'
    RETURNING version
"""
_STEP = """
    UPDATE shipments SET status = $2, call = 'none', unknown_since = NULL, version = version + $4,
        updated_at = clock_timestamp()
    WHERE id = $1 AND status = $3
    RETURNING version
"""
_CANCEL = """
    UPDATE shipments SET status = 'cancelled', call = 'none', unknown_since = NULL, updated_at = clock_timestamp()
    WHERE id = $1 AND status = ANY($2::text[])
    RETURNING true
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM shipments
    WHERE ($1::uuid IS NULL OR customer_id = $1) AND ($2::uuid IS NULL OR order_id = $2)
        AND ($3::uuid IS NULL OR id > $3)
    ORDER BY id LIMIT $4
"""  # noqa: S608 constants


class NewShipment(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel to be sent; the `number`-th of its order."""

    id: UUID
    order_id: UUID
    number: int
    order_number: str
    customer_id: UUID
    email: str
    address: Address
    method: str
    weight_g: int
    carrier: str
    traceparent: str | None
    direction: Direction = Direction.OUTBOUND
    warehouse: str = ""
    box: str | None = None
    lines: tuple[Content, ...] = ()
    promised_for: date | None = None
    return_of: UUID | None = None
    return_reason: str | None = None


class Shipment(NewShipment, frozen=True, kw_only=True):
    """A stored shipment."""

    status: ShipmentStatus
    cancel_requested: bool
    tracking_number: str | None
    label_url: str | None
    call: Call
    attempts: int
    version: int
    created_at: datetime
    updated_at: datetime


class Transition(msgspec.Struct, frozen=True):
    from_status: str
    to_status: str
    at: datetime


async def lock_order(connection: Connection, order_id: UUID) -> None:
    """Let payment and cancellation of one order come one after the other; before any lock of its shipments."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(order_id))


async def note_paid(connection: Connection, order_id: UUID, payment_id: UUID) -> None:
    """Remember that the order is paid; the first word stays."""
    await connection.execute(
        "INSERT INTO paid_orders (order_id, payment_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", order_id, payment_id
    )


async def note_cancelled(connection: Connection, order_id: UUID) -> None:
    """Remember that the order is off, also for an order.paid that comes later."""
    await connection.execute("INSERT INTO cancelled_orders (order_id) VALUES ($1) ON CONFLICT DO NOTHING", order_id)


async def is_settled(connection: Connection, order_id: UUID) -> bool:
    """Whether nothing is to be planned for the order: it is off, or has its parcels."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM cancelled_orders WHERE order_id = $1) "
        "OR EXISTS (SELECT FROM shipments WHERE order_id = $1)",
        order_id,
    )


async def may_stay_alone(connection: Connection, shipment: Shipment) -> bool:
    """Whether a parcel may be cancelled without asking for the others: its order is off, or has no others."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM cancelled_orders WHERE order_id = $1) "
        "OR NOT EXISTS (SELECT FROM shipments WHERE order_id = $1 AND id <> $2 AND direction = 'outbound')",
        shipment.order_id,
        shipment.id,
    )


async def insert(connection: Connection, parcels: Sequence[NewShipment]) -> None:
    """Store shipments of a paid order; one that is stored already changes nothing.

    Guarded by the reference to paid_orders: an unpaid order has no shipment.
    """
    await connection.executemany(_INSERT, [_values(parcel) for parcel in parcels])


def _values(shipment: NewShipment) -> tuple[Any, ...]:
    return (
        shipment.id,
        shipment.order_id,
        shipment.number,
        shipment.order_number,
        shipment.customer_id,
        shipment.email,
        msgspec.to_builtins(shipment.address),
        shipment.method,
        shipment.weight_g,
        shipment.carrier,
        shipment.traceparent,
        shipment.direction,
        shipment.warehouse,
        shipment.box,
        msgspec.to_builtins(shipment.lines),
        shipment.promised_for,
        shipment.return_of,
        shipment.return_reason,
    )


async def of_id(connection: Connection, shipment_id: UUID) -> Shipment | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM shipments WHERE id = $1", shipment_id)  # noqa: S608 constants
    return None if row is None else _shipment(row)


async def lock(connection: Connection, shipment_id: UUID) -> Shipment | None:
    """The shipment, locked until the transaction ends."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM shipments WHERE id = $1 FOR UPDATE", shipment_id)  # noqa: S608 constants
    return None if row is None else _shipment(row)


async def lock_of_tracking(connection: Connection, tracking_number: str) -> Shipment | None:
    """The shipment with the tracking number, locked until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM shipments WHERE tracking_number = $1 FOR UPDATE",  # noqa: S608 constants
        tracking_number,
    )
    return None if row is None else _shipment(row)


async def lock_of_order(connection: Connection, order_id: UUID) -> list[Shipment]:
    """The parcels to the customer of the order, locked until the transaction ends."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM shipments WHERE order_id = $1 AND direction = 'outbound' "  # noqa: S608 constants
        "ORDER BY number FOR UPDATE",
        order_id,
    )
    return [_shipment(row) for row in rows]


async def page(
    connection: Connection, *, customer_id: UUID | None, order_id: UUID | None, after: UUID | None, rows_max: int
) -> list[Shipment]:
    """Shipments in order of their ids, of one customer or of all."""
    return [_shipment(row) for row in await connection.fetch(_LIST, customer_id, order_id, after, rows_max)]


async def history(connection: Connection, shipment_id: UUID) -> list[Transition]:
    """Where the parcel has been, oldest first."""
    rows = await connection.fetch(
        "SELECT from_status, to_status, at FROM shipment_transitions WHERE shipment_id = $1 ORDER BY id", shipment_id
    )
    return [Transition(row["from_status"], row["to_status"], row["at"]) for row in rows]


async def set_label(
    connection: Connection, shipment_id: UUID, *, tracking_number: str, label_url: str, handover_delay_s: float
) -> int | None:
    """The label is there; gives the aggregate version, None when the shipment does not wait for one."""
    return await connection.fetchval(_LABELLED, shipment_id, tracking_number, label_url, handover_delay_s)


async def step(
    connection: Connection,
    shipment_id: UUID,
    *,
    from_status: ShipmentStatus,
    to_status: ShipmentStatus,
    announced: bool,
) -> int | None:
    """Move one step on; gives the aggregate version, counted up when the step is told to the fleet."""
    return await connection.fetchval(_STEP, shipment_id, to_status, from_status, int(announced))


async def cancel(connection: Connection, shipment_id: UUID) -> bool:
    """Cancel what the carrier does not have; False when it is too late."""
    return await connection.fetchval(_CANCEL, shipment_id, sorted(IN_HOUSE)) is not None


async def readdress(connection: Connection, shipment_ids: Sequence[UUID], address: Address) -> None:
    """Send these locked shipments, which no label was asked for, elsewhere."""
    await connection.execute(
        "UPDATE shipments SET address = $2, updated_at = clock_timestamp() WHERE id = ANY($1::uuid[])",
        shipment_ids,
        msgspec.to_builtins(address),
    )


async def request_cancel(connection: Connection, shipment_ids: Sequence[UUID]) -> None:
    """Hand these over no more, until the order's parcels are all known to be here."""
    await connection.execute("UPDATE shipments SET cancel_requested = true WHERE id = ANY($1::uuid[])", shipment_ids)


async def go_on(connection: Connection, shipment_ids: Sequence[UUID]) -> None:
    """Their order's goods are on their way: these follow, unless the order is off."""
    await connection.execute(
        "UPDATE shipments SET cancel_requested = false, due_at = least(due_at, clock_timestamp()) "
        "WHERE id = ANY($1::uuid[]) AND cancel_requested "
        "AND NOT EXISTS (SELECT FROM cancelled_orders c WHERE c.order_id = shipments.order_id)",
        shipment_ids,
    )


async def returns_of(connection: Connection, shipment_id: UUID) -> list[Shipment]:
    """What was announced to come back of a parcel; exact while the parcel is locked."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM shipments WHERE return_of = $1 AND direction = 'return' ORDER BY number",  # noqa: S608 constants
        shipment_id,
    )
    return [_shipment(row) for row in rows]


async def delivered_at(connection: Connection, shipment_id: UUID) -> datetime | None:
    return await connection.fetchval(
        "SELECT max(at) FROM shipment_transitions WHERE shipment_id = $1 AND to_status = 'delivered'", shipment_id
    )


async def next_number(connection: Connection, order_id: UUID) -> int:
    """The number of the order's next shipment; stays it while the order is locked."""
    return await connection.fetchval("SELECT max(number) + 1 FROM shipments WHERE order_id = $1", order_id)


def _shipment(row: asyncpg.Record) -> Shipment:
    values: dict[str, Any] = dict(row)
    values["status"] = ShipmentStatus(values["status"])
    values["call"] = Call(values["call"])
    values["direction"] = Direction(values["direction"])
    values["lines"] = msgspec.convert(values["lines"], tuple[Content, ...])
    values["address"] = msgspec.convert(values["address"], Address)
    return Shipment(**values)


WORK = WorkTable(
    "shipments",
    key="id",
    is_open="(status = 'created' OR (status = 'labelled' AND direction = 'outbound'))",
    columns=_COLUMNS,
    read=_shipment,
    call=CallColumn("call", idle=Call.NONE, under_way=Call.UNDER_WAY, unknown=Call.UNKNOWN),
)
"""Parcels to be labelled, handed over and asked about; one that comes back is only labelled by us."""
