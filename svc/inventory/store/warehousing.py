"""Statements of the staff's work with the shelves; each list of any length costs the same number of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.inventory.domain import MovementType
from svc.inventory.domain.warehousing import Delivery

_CHANGE = """
    WITH sums AS (
        SELECT warehouse, sku, sum(quantity)::integer AS quantity
        FROM unnest($1::text[], $2::text[], $3::integer[]) AS change (warehouse, sku, quantity) GROUP BY warehouse, sku
    ), locked AS (
        SELECT stock.warehouse, stock.sku FROM stock JOIN sums USING (warehouse, sku)
        ORDER BY stock.sku, stock.warehouse FOR UPDATE OF stock
    )
    UPDATE stock SET on_hand = stock.on_hand + sums.quantity, version = version + 1
    FROM sums JOIN locked USING (warehouse, sku)
    WHERE stock.warehouse = sums.warehouse AND stock.sku = sums.sku
    RETURNING stock.warehouse, stock.sku, sums.quantity, stock.on_hand, stock.on_hand - stock.reserved AS available,
        stock.version
"""
_CROSSED = """
    UPDATE stock SET low_told = NOT low_told, version = version + 1
    WHERE (sku, warehouse) IN (
        SELECT sku, warehouse FROM stock
        WHERE low_at > 0 AND low_told <> (on_hand - reserved < low_at)
        ORDER BY sku, warehouse LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING warehouse, sku, on_hand, on_hand - reserved AS available, low_at, low_told, version
"""
_LEFT = """
    SELECT line.warehouse, line.sku, line.quantity - coalesce(sum(back.on_hand_delta), 0)::integer AS quantity
    FROM reservation_lines line LEFT JOIN movements back
      ON back.reservation_id = line.reservation_id AND back.sku = line.sku AND back.warehouse = line.warehouse
         AND back.type = 'restock'
    WHERE line.reservation_id = $1 GROUP BY line.warehouse, line.sku, line.quantity ORDER BY line.sku, line.warehouse
"""
_TAKE = "id, warehouse, sku, expected, opened_at, counted, closed_at"


class Changed(msgspec.Struct, frozen=True):
    """A stock row after `quantity` units came, or went when below 0."""

    warehouse: str
    sku: str
    quantity: int
    on_hand: int
    available: int
    version: int


class Crossing(msgspec.Struct, frozen=True):
    """A stock row whose free units went below its alert, or (`low_told` False) came back above it."""

    warehouse: str
    sku: str
    on_hand: int
    available: int
    low_at: int
    low_told: bool
    version: int


class LowRow(msgspec.Struct, frozen=True):
    warehouse: str
    sku: str
    available: int
    low_at: int


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """`restocked`: everything is back; `returned`: what the return in question brought is."""

    status: str
    restocked: bool
    customer_id: UUID
    returned: bool


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a SKU from one warehouse to another."""

    reference: str
    sku: str
    quantity: int
    source: str
    target: str


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """A count of the units of a SKU at a warehouse; `expected` is what was on hand when it was opened."""

    id: UUID
    warehouse: str
    sku: str
    expected: int
    opened_at: datetime
    counted: int | None
    closed_at: datetime | None


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the units of a SKU at a warehouse."""

    sku: str
    warehouse: str
    safety: int
    backorder_max: int
    low_at: int


class WarehousePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`ranks`: destination → how near it is; elsewhere the priority decides."""

    code: str
    priority: int
    ranks: dict[str, int]


async def change(connection: Connection, quantities: Sequence[tuple[str, str, int]]) -> list[Changed]:
    """Add (warehouse, SKU, units) to what is on hand, locked in the order of `lock_levels`."""
    columns = [list(column) for column in zip(*quantities, strict=True)]
    return [Changed(**dict(row)) for row in await connection.fetch(_CHANGE, *columns)]


async def unknown_skus(connection: Connection, skus: Sequence[str]) -> frozenset[str]:
    """Those that the catalog has not told of."""
    rows = await connection.fetch(
        "SELECT wanted FROM unnest($1::text[]) AS wanted WHERE NOT EXISTS (SELECT FROM known_skus WHERE sku = wanted)",
        sorted(set(skus)),
    )
    return frozenset(row["wanted"] for row in rows)


async def make_rows(connection: Connection, places: Sequence[tuple[str, str]]) -> None:
    """Stock rows for (warehouse, SKU), with their warehouses, as far as there are none."""
    await connection.execute(
        "INSERT INTO warehouses (code) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING",
        sorted({warehouse for warehouse, _ in places}),
    )
    ordered = sorted(set(places), key=lambda place: (place[1], place[0]))
    await connection.execute(
        "INSERT INTO stock (warehouse, sku) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
        [warehouse for warehouse, _ in ordered],
        [sku for _, sku in ordered],
    )


async def book_receipts(connection: Connection, deliveries: Sequence[Delivery]) -> set[str]:
    """Write the movements of deliveries, each reference once; gives the references that are new."""
    ordered = sorted(deliveries, key=lambda delivery: delivery.reference)
    rows = await connection.fetch(
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reference) "
        "SELECT warehouse, sku, 'receive', quantity, 0, reference "
        "FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[]) AS new (warehouse, sku, quantity, reference) "
        "ON CONFLICT DO NOTHING RETURNING reference",
        [delivery.warehouse for delivery in ordered],
        [delivery.sku for delivery in ordered],
        [delivery.quantity for delivery in ordered],
        [delivery.reference for delivery in ordered],
    )
    return {row["reference"] for row in rows}


async def receipts(connection: Connection, references: Sequence[str]) -> dict[str, Delivery]:
    """What was booked in under the references."""
    rows = await connection.fetch(
        "SELECT warehouse, sku, on_hand_delta AS quantity, reference FROM movements "
        "WHERE type = 'receive' AND reference = ANY($1::text[])",
        references,
    )
    return {row["reference"]: Delivery(**dict(row)) for row in rows}


async def set_limits(connection: Connection, limits: Mapping[str, int]) -> None:
    """Limit what one customer may hold and buy of each SKU."""
    await connection.execute(
        "INSERT INTO purchase_limits (sku, per_customer) SELECT * FROM unnest($1::text[], $2::integer[]) "
        "ON CONFLICT (sku) DO UPDATE SET per_customer = excluded.per_customer",
        sorted(limits),
        [limits[sku] for sku in sorted(limits)],
    )


async def free_units(connection: Connection, sku: str, warehouses: Sequence[str]) -> dict[str, int]:
    """On hand and not reserved, per warehouse, locked until the transaction ends."""
    rows = await connection.fetch(
        "SELECT warehouse, on_hand - reserved AS free FROM stock WHERE sku = $1 AND warehouse = ANY($2::text[]) "
        "ORDER BY sku, warehouse FOR UPDATE",
        sku,
        warehouses,
    )
    return {row["warehouse"]: row["free"] for row in rows}


async def add_place(connection: Connection, warehouse: str, sku: str) -> None:
    """A stock row of nothing, where warehouse and SKU are known and there is none."""
    await connection.execute(
        "INSERT INTO stock (warehouse, sku) SELECT code, sku FROM warehouses, known_skus WHERE code = $1 AND sku = $2 "
        "ON CONFLICT DO NOTHING",
        warehouse,
        sku,
    )


async def insert_transfer(connection: Connection, transfer: Transfer) -> Transfer | None:
    """Store a transfer with its two movements; gives the one that has the reference already, None when it is new."""
    made = await connection.fetchval(
        "INSERT INTO transfers (reference, sku, quantity, source, target) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING RETURNING true",
        *msgspec.structs.astuple(transfer),
    )
    if made is None:
        row = await connection.fetchrow(
            "SELECT reference, sku, quantity, source, target FROM transfers WHERE reference = $1", transfer.reference
        )
        assert row is not None, "transfers are never deleted"
        return Transfer(**dict(row))
    await connection.execute(
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reference) "
        "VALUES ($2, $1, 'transfer', -$4::integer, 0, $5), ($3, $1, 'transfer', $4, 0, $5)",
        transfer.sku,
        transfer.source,
        transfer.target,
        transfer.quantity,
        transfer.reference,
    )
    return None


async def open_take(connection: Connection, take_id: UUID, *, warehouse: str, sku: str) -> Take | None:
    """Remember what is on hand now; None without a stock row. A second open one breaks `stock_takes_open`."""
    row = await connection.fetchrow(
        f"INSERT INTO stock_takes (id, warehouse, sku, expected) SELECT $1, warehouse, sku, on_hand FROM stock "  # noqa: S608 constants
        f"WHERE warehouse = $2 AND sku = $3 RETURNING {_TAKE}",
        take_id,
        warehouse,
        sku,
    )
    return None if row is None else Take(**dict(row))


async def lock_take(connection: Connection, take_id: UUID) -> Take | None:
    """The take, locked until the transaction ends."""
    row = await connection.fetchrow(f"SELECT {_TAKE} FROM stock_takes WHERE id = $1 FOR UPDATE", take_id)  # noqa: S608 constants
    return None if row is None else Take(**dict(row))


async def close_take(connection: Connection, take_id: UUID, *, counted: int | None) -> Take:
    """Book the count of a locked take, or give it up without one."""
    row = await connection.fetchrow(
        f"UPDATE stock_takes SET counted = $2, closed_at = clock_timestamp() WHERE id = $1 RETURNING {_TAKE}",  # noqa: S608 constants
        take_id,
        counted,
    )
    assert row is not None, "the take is locked"
    return Take(**dict(row))


async def takes(connection: Connection, *, after: UUID | None, rows_max: int) -> list[Take]:
    """Takes in order of their ids, which is that of their opening."""
    rows = await connection.fetch(
        f"SELECT {_TAKE} FROM stock_takes WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",  # noqa: S608 constants
        after,
        rows_max,
    )
    return [Take(**dict(row)) for row in rows]


async def adjust(connection: Connection, take: Take, variance: int) -> None:
    """Write the movement of a take's variance."""
    await connection.execute(
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reference) "
        "VALUES ($1, $2, 'adjust', $3, 0, $4)",
        take.warehouse,
        take.sku,
        variance,
        str(take.id),
    )


async def set_rules(connection: Connection, rules: Rules) -> bool:
    """False without a stock row. Lowering `backorder_max` below what is owed breaks `stock_never_oversold`."""
    changed = await connection.fetchval(
        "UPDATE stock SET safety = $3, backorder_max = $4, low_at = $5, low_told = low_told AND $5 > 0 "
        "WHERE sku = $1 AND warehouse = $2 RETURNING true",
        *msgspec.structs.astuple(rules),
    )
    return changed is not None


async def crossings(connection: Connection, *, rows_max: int) -> list[Crossing]:
    """Rows that crossed their alert since the last look, each once however many look; rows in use wait."""
    return [Crossing(**dict(row)) for row in await connection.fetch(_CROSSED, rows_max)]


async def low(connection: Connection, *, after: tuple[str, str] | None, rows_max: int) -> list[LowRow]:
    """What is to be ordered again, by SKU and warehouse."""
    rows = await connection.fetch(
        "SELECT warehouse, sku, on_hand - reserved AS available, low_at FROM stock "
        "WHERE low_at > 0 AND on_hand - reserved < low_at AND ($1::text IS NULL OR (sku, warehouse) > ($1, $2)) "
        "ORDER BY sku, warehouse LIMIT $3",
        *(after or (None, None)),
        rows_max,
    )
    return [LowRow(**dict(row)) for row in rows]


async def warehouses(connection: Connection, *, after: str | None, rows_max: int) -> list[WarehousePolicy]:
    """Each with its ranks, in order of the codes."""
    rows = await connection.fetch(
        "SELECT code, priority, coalesce((SELECT jsonb_object_agg(destination, rank) FROM allocation_ranks "
        "WHERE warehouse = code), '{}') AS ranks FROM warehouses WHERE $1::text IS NULL OR code > $1 "
        "ORDER BY code LIMIT $2",
        after,
        rows_max,
    )
    return [WarehousePolicy(**dict(row)) for row in rows]


async def put_warehouse(connection: Connection, warehouse: WarehousePolicy) -> None:
    """Make the warehouse or change it; its ranks become these."""
    await connection.execute(
        "INSERT INTO warehouses (code, priority) VALUES ($1, $2) "
        "ON CONFLICT (code) DO UPDATE SET priority = excluded.priority",
        warehouse.code,
        warehouse.priority,
    )
    await connection.execute("DELETE FROM allocation_ranks WHERE warehouse = $1", warehouse.code)
    await connection.execute(
        "INSERT INTO allocation_ranks (warehouse, destination, rank) "
        "SELECT $1, * FROM unnest($2::text[], $3::integer[])",
        warehouse.code,
        list(warehouse.ranks),
        list(warehouse.ranks.values()),
    )


async def lock_sold(connection: Connection, reservation_id: UUID, reference: str) -> Sold | None:
    """How a reservation stands to a return, locked until the transaction ends."""
    await connection.execute("SELECT FROM reservations WHERE id = $1 FOR UPDATE", reservation_id)
    row = await connection.fetchrow(
        "SELECT status, restocked_at IS NOT NULL AS restocked, customer_id, EXISTS (SELECT FROM movements "
        "WHERE reservation_id = $1 AND type = 'restock' AND reference = $2) AS returned "
        "FROM reservations WHERE id = $1",
        reservation_id,
        reference,
    )
    return None if row is None else Sold(**dict(row))


async def left_sold(connection: Connection, reservation_id: UUID) -> list[tuple[str, str, int]]:
    """(warehouse, SKU, units) of a locked reservation that have not come back."""
    rows = await connection.fetch(_LEFT, reservation_id)
    return [(row["warehouse"], row["sku"], row["quantity"]) for row in rows]


async def return_units(
    connection: Connection, reservation_id: UUID, reference: str, units: Sequence[tuple[str, str, int]]
) -> None:
    """Write the movements of a return, once."""
    await connection.execute(
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id, reference) "
        "SELECT warehouse, sku, $1, quantity, 0, $2, $3 "
        "FROM unnest($4::text[], $5::text[], $6::integer[]) AS back (warehouse, sku, quantity) "
        "ON CONFLICT DO NOTHING",
        MovementType.RESTOCK.value,
        reservation_id,
        reference,
        *(list(column) for column in zip(*units, strict=True)),
    )
