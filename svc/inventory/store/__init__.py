"""The tables of stock and the statements on them. Every statement runs inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection, UnitOfWork
from svc.inventory.domain import (
    Hold,
    HoldOutcome,
    HoldRequest,
    MovementType,
    Placement,
    ReceiptMismatch,
    StockLevel,
    untold,
)

DEFAULT_WAREHOUSE = "main"

_LOCK_STOCK = """
    SELECT warehouse, sku, on_hand - reserved - safety AS available, backorder_max, priority,
        (SELECT jsonb_object_agg(destination, rank) FROM allocation_ranks ranks
         WHERE ranks.warehouse = stock.warehouse) AS ranks
    FROM stock JOIN warehouses ON code = warehouse
    WHERE sku = ANY($1::text[]) ORDER BY sku, warehouse FOR UPDATE OF stock
"""
_HOLDS = """
    SELECT r.id, r.customer_id, r.status, r.expires_at, r.restocked_at IS NOT NULL AS restocked,
        l.warehouse, l.sku, l.quantity
    FROM reservations r LEFT JOIN reservation_lines l ON l.reservation_id = r.id
    WHERE r.id = ANY($1::uuid[]) ORDER BY r.id, l.sku, l.warehouse
"""
_HELD_BY_CUSTOMER = """
    SELECT r.customer_id, l.sku, sum(l.quantity)::bigint AS units
    FROM reservations r JOIN reservation_lines l ON l.reservation_id = r.id
    WHERE r.customer_id = ANY($1::uuid[]) AND l.sku = ANY($2::text[])
        AND (r.status = 'held' OR (r.status = 'committed' AND r.restocked_at IS NULL))
    GROUP BY r.customer_id, l.sku
"""
_INSERT_HOLDS = """
    WITH holds AS (
        INSERT INTO reservations (id, customer_id, status, expires_at)
        SELECT id, customer_id, 'held', clock_timestamp() + make_interval(secs => ttl_s)
        FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) AS new (id, customer_id, ttl_s)
        RETURNING id, expires_at
    ), placed AS (
        INSERT INTO reservation_lines (reservation_id, warehouse, sku, quantity)
        SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::integer[])
        RETURNING reservation_id, warehouse, sku, quantity
    ), moved AS (
        INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id)
        SELECT warehouse, sku, 'reserve', 0, quantity, reservation_id FROM placed
    ), taken AS (
        UPDATE stock SET reserved = reserved + units, version = version + 1
        FROM (SELECT warehouse, sku, sum(quantity) AS units FROM placed GROUP BY warehouse, sku) AS sums
        WHERE stock.warehouse = sums.warehouse AND stock.sku = sums.sku
    )
    SELECT id, expires_at FROM holds
"""
_END_HOLDS = """
    UPDATE reservations SET status = $2, end_reason = $3, ended_at = clock_timestamp(), version = version + 1
    WHERE id = $1 AND status = 'held'
    RETURNING customer_id, version
"""
_EXPIRED = "SELECT id FROM reservations WHERE status = 'held' AND NOT pinned AND expires_at < clock_timestamp()"
_MOVE = """
    WITH lines AS (
        SELECT warehouse, sku, quantity FROM reservation_lines WHERE reservation_id = $1
    ), moved AS (
        INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id)
        SELECT warehouse, sku, $2, quantity * $3::integer, quantity * $4::integer, $1 FROM lines
    )
    SELECT warehouse, sku, quantity FROM lines ORDER BY sku, warehouse
"""
_MOVE_BACK = """
    WITH lines AS (
        SELECT warehouse, sku, quantity - coalesce((
            SELECT sum(on_hand_delta) FROM movements back
            WHERE back.reservation_id = $1 AND back.type = 'restock' AND back.reference IS NOT NULL
                AND back.sku = line.sku AND back.warehouse = line.warehouse
        ), 0)::integer AS quantity
        FROM reservation_lines line WHERE reservation_id = $1
    ), moved AS (
        INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id)
        SELECT warehouse, sku, 'restock', quantity, 0, $1 FROM lines WHERE quantity > 0
    )
    SELECT warehouse, sku, quantity FROM lines WHERE quantity > 0 ORDER BY sku, warehouse
"""
_CHANGE_STOCK = """
    WITH sums AS (
        SELECT warehouse, sku, sum(on_hand) AS on_hand, sum(reserved) AS reserved, count(*) AS changes
        FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[]) AS change (warehouse, sku, on_hand, reserved)
        GROUP BY warehouse, sku
    ), locked AS (
        SELECT stock.warehouse, stock.sku FROM stock JOIN sums USING (warehouse, sku)
        ORDER BY stock.sku, stock.warehouse FOR UPDATE OF stock
    )
    UPDATE stock SET on_hand = stock.on_hand + sums.on_hand, reserved = stock.reserved + sums.reserved,
        version = version + sums.changes
    FROM sums JOIN locked USING (warehouse, sku)
    WHERE stock.warehouse = sums.warehouse AND stock.sku = sums.sku
"""
_MOVEMENT_OF_OUTCOME = {
    HoldOutcome.COMMITTED: (MovementType.COMMIT, -1, -1),
    HoldOutcome.RELEASED: (MovementType.RELEASE, 0, -1),
    HoldOutcome.EXPIRED: (MovementType.EXPIRE, 0, -1),
}


NOBODY = UUID(int=0)
"""The customer of a reservation that was ended before it was asked for."""


class EndedHold(msgspec.Struct, frozen=True):
    customer_id: UUID
    version: int
    placements: tuple[Placement, ...]


class StockChange(msgspec.Struct, frozen=True):
    """What a movement adds to a stock row."""

    warehouse: str
    sku: str
    on_hand: int
    reserved: int


class Receipt(msgspec.Struct, frozen=True):
    """Stock after goods came in; `fresh` is False when the reference was booked before."""

    warehouse: str
    sku: str
    on_hand: int
    available: int
    version: int
    fresh: bool


async def lock_levels(connection: Connection, skus: Sequence[str]) -> list[StockLevel]:
    """The free units of the SKUs, locked in one order until the transaction ends; with the policy of allocation."""
    rows = await connection.fetch(_LOCK_STOCK, skus)
    return [
        StockLevel(
            row["warehouse"], row["sku"], row["available"], row["backorder_max"], row["priority"], row["ranks"] or {}
        )
        for row in rows
    ]


async def levels(connection: Connection, skus: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """Units per SKU over all warehouses that can be bought now, and whether more can be ordered ahead.

    Unknown SKUs are absent; what is kept for safety is not for sale.
    """
    rows = await connection.fetch(
        "SELECT sku, sum(greatest(on_hand - reserved - safety, 0))::bigint AS available, "
        "bool_or(backorder_max > 0 AND on_hand - reserved - safety + backorder_max > 0) AS backorder "
        "FROM stock WHERE sku = ANY($1::text[]) GROUP BY sku",
        skus,
    )
    return {row["sku"]: (row["available"], row["backorder"]) for row in rows}


async def holds(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Hold]:
    """The stored reservations among the ids."""
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in await connection.fetch(_HOLDS, ids):
        found.setdefault(row["id"], []).append(row)
    return {
        reservation_id: Hold(
            reservation_id=reservation_id,
            customer_id=rows[0]["customer_id"],
            status=rows[0]["status"],
            expires_at=rows[0]["expires_at"],
            placements=tuple(Placement(row["warehouse"], row["sku"], row["quantity"]) for row in rows if row["sku"]),
            restocked=rows[0]["restocked"],
        )
        for reservation_id, rows in found.items()
    }


async def limits(connection: Connection, skus: Sequence[str]) -> dict[str, int]:
    """Units per customer of those SKUs that are limited."""
    rows = await connection.fetch("SELECT sku, per_customer FROM purchase_limits WHERE sku = ANY($1::text[])", skus)
    return {row["sku"]: row["per_customer"] for row in rows}


async def held_by_customer(
    connection: Connection, customers: Sequence[UUID], skus: Sequence[str]
) -> dict[tuple[UUID, str], int]:
    """Units each customer holds or bought; exact while the SKUs' stock rows are locked."""
    rows = await connection.fetch(_HELD_BY_CUSTOMER, customers, skus)
    return {(row["customer_id"], row["sku"]): row["units"] for row in rows}


async def insert_holds(
    connection: Connection, granted: Sequence[tuple[HoldRequest, tuple[Placement, ...]]]
) -> dict[UUID, datetime]:
    """Store the holds with lines, movements and stock in one statement; gives each hold's expiry.

    Guarded by the primary key of reservations and the check reserved <= on_hand.
    """
    lines = [(request.reservation_id, placement) for request, placements in granted for placement in placements]
    rows = await connection.fetch(
        _INSERT_HOLDS,
        [request.reservation_id for request, _ in granted],
        [request.customer_id for request, _ in granted],
        [request.ttl_s for request, _ in granted],
        [reservation_id for reservation_id, _ in lines],
        [placement.warehouse for _, placement in lines],
        [placement.sku for _, placement in lines],
        [placement.quantity for _, placement in lines],
    )
    return {row["id"]: row["expires_at"] for row in rows}


async def end_hold(uow: UnitOfWork, reservation_id: UUID, outcome: HoldOutcome, *, reason: str) -> EndedHold | None:
    """End a hold that is still held, and move its stock; None when it had ended or never was."""
    row = await uow.connection.fetchrow(_END_HOLDS, reservation_id, outcome.value, reason)
    if row is None:
        return None
    movement, on_hand_sign, reserved_sign = _MOVEMENT_OF_OUTCOME[outcome]
    placements = await _move(uow, reservation_id, movement, on_hand_sign, reserved_sign)
    return EndedHold(row["customer_id"], row["version"], placements)


async def change_stock(connection: Connection, changes: Sequence[StockChange]) -> None:
    """Add up the changes and apply them to the rows, locked in the order of `lock_levels`.

    A transaction calls it once, at its end: two that share rows wait for each other and never in a circle.
    """
    await connection.execute(
        _CHANGE_STOCK,
        [change.warehouse for change in changes],
        [change.sku for change in changes],
        [change.on_hand for change in changes],
        [change.reserved for change in changes],
    )


async def _move(
    uow: UnitOfWork, reservation_id: UUID, movement: MovementType, on_hand_sign: int, reserved_sign: int
) -> tuple[Placement, ...]:
    placements = _placements(
        await uow.connection.fetch(_MOVE, reservation_id, movement.value, on_hand_sign, reserved_sign)
    )
    for one in placements:
        change = StockChange(one.warehouse, one.sku, one.quantity * on_hand_sign, one.quantity * reserved_sign)
        uow.before_commit(change_stock, change)
    return placements


async def forestall(connection: Connection, reservation_id: UUID, *, reason: str) -> bool:
    """Store a reservation that has ended without ever holding anything; False when there is one already.

    Waits for a transaction that is just now storing it.
    """
    made = await connection.fetchval(
        "INSERT INTO reservations (id, customer_id, status, version, expires_at, ended_at, end_reason) "
        "VALUES ($1, $2, 'released', 0, clock_timestamp(), clock_timestamp(), $3) "
        "ON CONFLICT DO NOTHING RETURNING true",
        reservation_id,
        NOBODY,
        reason,
    )
    return made is not None


async def restock(uow: UnitOfWork, reservation_id: UUID) -> EndedHold | None:
    """Put the units of a committed hold back on the shelf, once, but for those that a return brought before.

    None when there is nothing to put back.
    """
    row = await uow.connection.fetchrow(
        "UPDATE reservations SET restocked_at = clock_timestamp(), version = version + 1 "
        "WHERE id = $1 AND status = 'committed' AND restocked_at IS NULL RETURNING customer_id, version",
        reservation_id,
    )
    if row is None:
        return None
    placements = _placements(await uow.connection.fetch(_MOVE_BACK, reservation_id))
    for one in placements:
        uow.before_commit(change_stock, StockChange(one.warehouse, one.sku, one.quantity, 0))
    return EndedHold(row["customer_id"], row["version"], placements)


async def extend_hold(connection: Connection, reservation_id: UUID, *, ttl_s: float, life_s_max: float) -> bool:
    """Put off the end of a live hold whose time is not over; False for any other. A pinned one stays as it is."""
    extended = await connection.fetchval(
        "UPDATE reservations SET expires_at = greatest(expires_at, least("
        "clock_timestamp() + make_interval(secs => $2), created_at + make_interval(secs => $3))) "
        "WHERE id = $1 AND status = 'held' AND (pinned OR expires_at > clock_timestamp()) RETURNING true",
        reservation_id,
        ttl_s,
        life_s_max,
    )
    return extended is not None


async def pin_hold(connection: Connection, reservation_id: UUID) -> str | None:
    """Take the expiry off a live hold: its order exists. Gives the status, None for an unknown hold."""
    await connection.execute("UPDATE reservations SET pinned = true WHERE id = $1 AND status = 'held'", reservation_id)
    return await connection.fetchval("SELECT status FROM reservations WHERE id = $1", reservation_id)


async def next_version(connection: Connection, reservation_id: UUID) -> int:
    """Count one more published change of a stored reservation."""
    version = await connection.fetchval(
        "UPDATE reservations SET version = version + 1 WHERE id = $1 RETURNING version", reservation_id
    )
    assert version is not None, "the reservation was stored or forestalled before"
    return version


async def expired_holds(connection: Connection, *, rows_max: int) -> list[UUID]:
    """Some holds past their time that no order pinned; by chance, so that those that cannot be ended hide no others."""
    rows = await connection.fetch(f"{_EXPIRED} ORDER BY random() LIMIT $1", rows_max)
    return [row["id"] for row in rows]


async def lock_expired(connection: Connection, reservation_ids: Sequence[UUID]) -> list[UUID]:
    """Those of them that still are past their time and not pinned, locked against other sweepers."""
    rows = await connection.fetch(
        f"{_EXPIRED} AND id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED", reservation_ids
    )
    return [row["id"] for row in rows]


async def receive(connection: Connection, *, warehouse: str, sku: str, quantity: int, reference: str) -> Receipt:
    """Book goods in, creating warehouse and stock row as needed; a known reference changes nothing.

    Raises `UnknownSku`, and `ReceiptMismatch` when the reference came with something else.
    """
    await connection.execute("INSERT INTO warehouses (code) VALUES ($1) ON CONFLICT DO NOTHING", warehouse)
    await connection.execute(
        "INSERT INTO stock (warehouse, sku) SELECT $1, sku FROM known_skus WHERE sku = $2 ON CONFLICT DO NOTHING",
        warehouse,
        sku,
    )
    fresh = await connection.fetchval(
        "INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reference) "
        "VALUES ($1, $2, 'receive', $3, 0, $4) ON CONFLICT DO NOTHING RETURNING true",
        warehouse,
        sku,
        quantity,
        reference,
    )
    if not fresh:
        booked = await connection.fetchrow(
            "SELECT warehouse, sku, on_hand_delta FROM movements WHERE type = 'receive' AND reference = $1", reference
        )
        if booked is None or tuple(booked) != (warehouse, sku, quantity):
            raise ReceiptMismatch(f"the reference {reference!r} stands for another receipt", reference=reference)
    row = await connection.fetchrow(
        "UPDATE stock SET on_hand = on_hand + $3, version = version + $4 WHERE warehouse = $1 AND sku = $2 "
        "RETURNING on_hand, on_hand - reserved AS available, version",
        warehouse,
        sku,
        quantity if fresh else 0,
        1 if fresh else 0,
    )
    if row is None:
        raise untold(sku)
    return Receipt(warehouse, sku, row["on_hand"], row["available"], row["version"], bool(fresh))


async def learn_skus(connection: Connection, skus: Sequence[str]) -> None:
    """Let goods of the SKUs be booked in; in one order, so that two transactions never wait in a circle."""
    await connection.execute(
        "INSERT INTO known_skus (sku) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING", sorted(set(skus))
    )


async def unknown_sku(connection: Connection, skus: Sequence[str]) -> str | None:
    """One of the SKUs that the catalog has not told of."""
    return await connection.fetchval(
        "SELECT wanted FROM unnest($1::text[]) AS wanted WHERE NOT EXISTS "
        "(SELECT FROM known_skus WHERE sku = wanted) ORDER BY wanted LIMIT 1",
        skus,
    )


def _placements(rows: Sequence[asyncpg.Record]) -> tuple[Placement, ...]:
    return tuple(Placement(row["warehouse"], row["sku"], row["quantity"]) for row in rows)


_COMPLETE_MOVEMENTS = """
    INSERT INTO movements (warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id)
    SELECT line.warehouse, line.sku, wanted.type,
           (line.quantity - CASE WHEN wanted.type = 'restock' THEN coalesce(back.units, 0) ELSE 0 END)
               * wanted.on_hand_sign,
           line.quantity * wanted.reserved_sign, hold.id
    FROM reservation_lines line
    JOIN reservations hold ON hold.id = line.reservation_id
    JOIN (VALUES ('reserve', 0, 1, NULL), ('commit', -1, -1, 'committed'), ('release', 0, -1, 'released'),
                 ('expire', 0, -1, 'expired'), ('restock', 1, 0, 'restocked'))
         AS wanted (type, on_hand_sign, reserved_sign, status)
      ON wanted.status IS NULL OR wanted.status = hold.status
         OR (wanted.status = 'restocked' AND hold.restocked_at IS NOT NULL)
    LEFT JOIN LATERAL (
        SELECT sum(on_hand_delta)::integer AS units FROM movements
        WHERE reservation_id = hold.id AND type = 'restock' AND reference IS NOT NULL
            AND sku = line.sku AND warehouse = line.warehouse
    ) AS back ON true
    WHERE line.sku = $1 AND (wanted.type <> 'restock' OR line.quantity > coalesce(back.units, 0))
    ON CONFLICT (reservation_id, type, sku, warehouse) WHERE reference IS NULL DO NOTHING
    RETURNING id
"""
_RECOUNT = """
    UPDATE stock SET on_hand = sums.on_hand, reserved = sums.reserved, version = version + 1
    FROM (SELECT warehouse, sku, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved
          FROM movements WHERE sku = $1 GROUP BY warehouse, sku) AS sums
    WHERE stock.sku = sums.sku AND stock.warehouse = sums.warehouse
      AND (stock.on_hand, stock.reserved) IS DISTINCT FROM (sums.on_hand, sums.reserved)
    RETURNING stock.warehouse
"""


async def force_end(connection: Connection, reservation_id: UUID, *, reason: str) -> EndedHold | None:
    """End a hold or take back a committed one without touching the stock figures, which a recount follows.

    None when there is nothing to end.
    """
    row = await connection.fetchrow(
        "UPDATE reservations SET version = version + 1, "
        "restocked_at = CASE WHEN status = 'committed' THEN clock_timestamp() END, "
        "ended_at = coalesce(ended_at, clock_timestamp()), end_reason = coalesce(end_reason, $2), "
        "status = CASE WHEN status = 'held' THEN 'released' ELSE status END "
        "WHERE id = $1 AND (status = 'held' OR (status = 'committed' AND restocked_at IS NULL)) "
        "RETURNING customer_id, version",
        reservation_id,
        reason,
    )
    if row is None:
        return None
    lines = await connection.fetch(
        "SELECT warehouse, sku, quantity FROM reservation_lines WHERE reservation_id = $1 ORDER BY sku, warehouse",
        reservation_id,
    )
    return EndedHold(row["customer_id"], row["version"], _placements(lines))


async def complete_movements(connection: Connection, sku: str) -> int:
    """Write the movements that a SKU's holds should have left and did not; gives their number."""
    return len(await connection.fetch(_COMPLETE_MOVEMENTS, sku))


async def recount(connection: Connection, sku: str) -> int:
    """Set a SKU's stock figures to what its movements say; gives the number of rows that differed."""
    return len(await connection.fetch(_RECOUNT, sku))
