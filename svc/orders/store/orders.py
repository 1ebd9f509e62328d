"""The tables of orders. Status changes are conditional on the version read under lock; a trigger writes the history."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared import idempotency
from shared.idempotency import Answer
from shared.unit_of_work import Connection
from svc.orders.domain.draft import Address, Delivery, Draft, DraftLine
from svc.orders.domain.machines import OrderState, OrderStatus, PaymentState, RefundState
from svc.orders.domain.order import Facts, Shipment, State, Withholding
from svc.orders.pricing import Conversion, Explanation

_CONFIRM = f"""
    WITH moved AS (
        UPDATE sagas SET step = 'paying', step_at = clock_timestamp(), attempts = 1, lease_until = NULL, draft = '',
            deadline_at = clock_timestamp() + make_interval(secs => $2),
            due_at = clock_timestamp() + make_interval(secs => $2)
        WHERE order_id = $1 AND step = 'reserving' AND status = 'running'
        RETURNING scope, key
    ), placed AS (
        INSERT INTO orders (id, number, customer_id, email, state, status, currency, subtotal_minor, discount_minor,
            tax_minor, shipping_minor, total_minor, coupon, explanation, payment_method, shipping_method,
            shipping_address, idempotency_key, trace_id, placed_at, changed_by, change_reason)
        SELECT $1, $3, $4, $5, 'reserved', 'reserved', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, key, $17, $18,
               $19, 'order placed'
        FROM moved
    ), lines AS (
        INSERT INTO order_lines (order_id, position, sku, product_id, title, quantity, unit_price_minor,
            tax_class, line_total_minor, discount_minor, tax_minor, seller_id)
        SELECT $1, position, sku, product_id, title, quantity, unit_price_minor, tax_class, line_total_minor,
               discount_minor, tax_minor, seller_id
        FROM moved, unnest($20::text[], $21::uuid[], $22::text[], $23::integer[], $24::bigint[], $25::text[],
            $26::bigint[], $27::bigint[], $28::bigint[], $31::text[]) WITH ORDINALITY AS line (sku, product_id, title,
            quantity, unit_price_minor, tax_class, line_total_minor, discount_minor, tax_minor, seller_id, position)
    ), delivery AS (
        INSERT INTO order_deliveries (order_id, quote_id, personal, carrier, deliver_by, quoted_until)
        SELECT $1, $32, $33, $34, $35, $36 FROM moved WHERE $32::uuid IS NOT NULL
    )
    {idempotency.completing("moved", status="$29", body="$30")}
"""  # noqa: S608 constants
_SELECT = """
    SELECT o.id, o.number, o.customer_id, o.email, o.currency, o.subtotal_minor, o.discount_minor,
        o.tax_minor, o.shipping_minor, o.total_minor, o.coupon, o.explanation, o.payment_method, o.shipping_method,
        o.shipping_address, o.idempotency_key, o.trace_id, o.placed_at, o.updated_at, o.version, o.events,
        o.payment_id, o.captured_minor, o.payment_failed, o.stock_lost, o.cancel_wanted, o.recalled, o.withholding,
        o.cancel_reason, o.refunded_minor, o.refund_reversed_minor, o.state, o.payment_state, o.refund_state,
        conversion.quote_id, conversion.priced_in, conversion.rate_nano, conversion.expires_at, lines.json AS lines,
        parcels.json AS shipments, delivery.quote_id AS shipping_quote_id, delivery.personal, delivery.carrier,
        delivery.deliver_by, delivery.quoted_until
    FROM orders AS o
    LEFT JOIN order_deliveries AS delivery ON delivery.order_id = o.id
    LEFT JOIN order_conversions AS conversion ON conversion.order_id = o.id
    CROSS JOIN LATERAL (
        SELECT json_agg(line ORDER BY line.position)::text AS json FROM order_lines AS line WHERE line.order_id = o.id
    ) AS lines
    CROSS JOIN LATERAL (
        SELECT coalesce(json_agg(parcel ORDER BY parcel.id), '[]')::text AS json FROM order_shipments AS parcel
        WHERE parcel.order_id = o.id
    ) AS parcels
"""
_ONE = f"{_SELECT} WHERE o.id = $1"
_LOCK = "SELECT FROM orders WHERE id = $1 FOR UPDATE"
_LOCK_ALL = "SELECT FROM orders WHERE id = ANY($1) ORDER BY id FOR UPDATE"
_PAGE = f"""
    {_SELECT}
    WHERE o.customer_id = $1 AND (o.placed_at, o.id) < ($2, $3)
    ORDER BY o.placed_at DESC, o.id DESC LIMIT $4
"""
_BETWEEN = f"""
    {_SELECT}
    WHERE ($1::uuid IS NULL OR o.customer_id = $1) AND (o.placed_at, o.id) > ($2, $3) AND o.placed_at < $4
    ORDER BY o.placed_at, o.id LIMIT $5
"""
_SAVE = """
    UPDATE orders SET status = $3, state = $4, payment_state = $5, refund_state = $6, payment_id = $7,
        captured_minor = $8, payment_failed = $9, stock_lost = $10, cancel_wanted = $11, cancel_reason = $12,
        refunded_minor = $13, withholding = $14, events = $15, changed_by = $16, change_reason = $17, recalled = $18,
        refund_reversed_minor = $19,
        version = version + 1, updated_at = clock_timestamp()
    WHERE id = $1 AND version = $2
    RETURNING version
"""
_PUT_SHIPMENT = """
    INSERT INTO order_shipments AS known (order_id, id, carrier, tracking_number, reported, state, changed_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (order_id, id) DO UPDATE SET
        reported = excluded.reported, state = excluded.state, changed_by = excluded.changed_by
"""

_ONE_ORDER_PER_QUOTE = "one_order_per_shipping_quote"

_lines_decoder = msgspec.json.Decoder(tuple[DraftLine, ...])
_address_decoder = msgspec.json.Decoder(Address)
_shipments_decoder = msgspec.json.Decoder(tuple[Shipment, ...])
_explanation_decoder = msgspec.json.Decoder(tuple[Explanation, ...])


class StoredOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. `events` is the aggregate version of its newest event."""

    id: UUID
    number: str
    customer_id: UUID
    email: str
    currency: str
    lines: tuple[DraftLine, ...]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    coupon: str | None
    conversion: Conversion | None
    delivery: Delivery | None
    explanation: tuple[Explanation, ...]
    payment_method: str
    shipping_method: str
    shipping_address: Address
    idempotency_key: str
    trace_id: str
    placed_at: datetime
    updated_at: datetime
    version: int
    events: int
    payment_id: UUID | None
    cancel_reason: str | None
    facts: Facts
    state: State

    @property
    def status(self) -> OrderStatus:
        """What people are shown; the stored one is written from this."""
        return self.state.status


class QuoteTaken(Exception):  # noqa: N818 a constraint's answer, which the edge puts into a refusal
    """Another order has the customer's shipping quote."""


class ConcurrentChange(Exception):  # noqa: N818 cannot happen under the row lock; a bug if it does
    """Somebody changed the order without locking it."""


async def confirm(
    connection: Connection,
    draft: Draft,
    *,
    placed_at: datetime,
    actor: str,
    answer: Answer,
    paying_s: float,
) -> bool:
    """Store order, lines, delivery, answer and the saga's next step in one statement.

    False when the saga had moved on. Raises `QuoteTaken`, and the caller undoes the transaction then.
    """
    lines, delivery = draft.lines, draft.delivery
    try:
        stored = await connection.fetchval(
            _CONFIRM,
            draft.order_id,
            paying_s,
            draft.number,
            draft.customer_id,
            draft.email,
            draft.currency,
            draft.subtotal_minor,
            draft.discount_minor,
            draft.tax_minor,
            draft.shipping_minor,
            draft.total_minor,
            draft.coupon,
            msgspec.json.encode(draft.explanation).decode(),
            draft.payment_method,
            draft.shipping_method,
            msgspec.json.encode(draft.shipping_address).decode(),
            draft.trace_id,
            placed_at,
            actor,
            [line.sku for line in lines],
            [line.product_id for line in lines],
            [line.title for line in lines],
            [line.quantity for line in lines],
            [line.unit_price_minor for line in lines],
            [line.tax_class.value for line in lines],
            [line.line_total_minor for line in lines],
            [line.discount_minor for line in lines],
            [line.tax_minor for line in lines],
            answer.status,
            answer.body,
            [line.seller_id for line in lines],
            *(
                (None, None, None, None, None)
                if delivery is None
                else (
                    delivery.quote_id,
                    delivery.personal,
                    delivery.carrier,
                    delivery.deliver_by,
                    delivery.quoted_until,
                )
            ),
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _ONE_ORDER_PER_QUOTE:
            raise
        raise QuoteTaken(str(delivery and delivery.quote_id)) from error
    return bool(stored)


async def find(connection: Connection, order_id: UUID) -> StoredOrder | None:
    row = await connection.fetchrow(_ONE, order_id)
    return _order(row) if row is not None else None


async def owner_of(connection: Connection, order_id: UUID) -> UUID | None:
    """Whose order it is; None when there is no such order."""
    return await connection.fetchval("SELECT customer_id FROM orders WHERE id = $1", order_id)


async def lock(connection: Connection, order_id: UUID) -> StoredOrder | None:
    """The order, locked until the transaction ends.

    Read by a statement of its own: one that waited for the lock sees the order's row anew, but its shipments as they
    stood before the wait.
    """
    await connection.execute(_LOCK, order_id)
    return await find(connection, order_id)


async def lock_all(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Lock those that there are until the transaction ends, whoever asks for them in the same order."""
    await connection.execute(_LOCK_ALL, order_ids)


async def page(
    connection: Connection, customer_id: UUID, *, before: tuple[datetime, UUID], rows_max: int
) -> list[StoredOrder]:
    """A customer's orders placed before the given place in the list, newest first; one statement."""
    rows = await connection.fetch(_PAGE, customer_id, *before, rows_max)
    return [_order(row) for row in rows]


async def placed_between(
    connection: Connection, customer_id: UUID | None, *, after: tuple[datetime, UUID], until: datetime, rows_max: int
) -> list[StoredOrder]:
    """Orders of one customer, or of all, after a place in the list and before a moment, oldest first."""
    rows = await connection.fetch(_BETWEEN, customer_id, *after, until, rows_max)
    return [_order(row) for row in rows]


async def save(connection: Connection, order: StoredOrder, *, actor: str, reason: str) -> StoredOrder:
    """Write state and facts over the version that was read; gives the order with its new version."""
    version = await connection.fetchval(
        _SAVE,
        order.id,
        order.version,
        order.status.value,
        order.state.order.value,
        order.state.payment.value,
        order.state.refund.value,
        order.payment_id,
        order.facts.captured_minor,
        order.facts.payment_failed,
        order.facts.stock_lost,
        order.facts.cancel_wanted,
        order.cancel_reason,
        order.facts.refunded_minor,
        order.facts.withholding.value,
        order.events,
        actor,
        reason,
        order.facts.recalled,
        order.facts.refund_reversed_minor,
    )
    if version is None:
        raise ConcurrentChange(f"order {order.id} is not at version {order.version} any more")
    return msgspec.structs.replace(order, version=version)


async def put_shipments(connection: Connection, order_id: UUID, shipments: Sequence[Shipment], *, actor: str) -> None:
    """Write shipments over those of the same id; the order is locked."""
    for shipment in shipments:
        await connection.execute(
            _PUT_SHIPMENT,
            order_id,
            shipment.id,
            shipment.carrier,
            shipment.tracking_number,
            shipment.reported.value,
            shipment.state.value,
            actor,
        )


def _order(row: asyncpg.Record) -> StoredOrder:
    return StoredOrder(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer_id"],
        email=row["email"],
        currency=row["currency"],
        lines=_lines_decoder.decode(row["lines"]),
        subtotal_minor=row["subtotal_minor"],
        discount_minor=row["discount_minor"],
        tax_minor=row["tax_minor"],
        shipping_minor=row["shipping_minor"],
        total_minor=row["total_minor"],
        coupon=row["coupon"],
        conversion=_conversion(row),
        delivery=_delivery(row),
        explanation=_explanation_decoder.decode(row["explanation"]),
        payment_method=row["payment_method"],
        shipping_method=row["shipping_method"],
        shipping_address=_address_decoder.decode(row["shipping_address"]),
        idempotency_key=row["idempotency_key"],
        trace_id=row["trace_id"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        events=row["events"],
        payment_id=row["payment_id"],
        cancel_reason=row["cancel_reason"],
        facts=Facts(
            total_minor=row["total_minor"],
            captured_minor=row["captured_minor"],
            payment_failed=row["payment_failed"],
            stock_lost=row["stock_lost"],
            cancel_wanted=row["cancel_wanted"],
            recalled=row["recalled"],
            withholding=Withholding(row["withholding"]),
            refunded_minor=row["refunded_minor"],
            refund_reversed_minor=row["refund_reversed_minor"],
        ),
        state=State(
            order=OrderState(row["state"]),
            payment=PaymentState(row["payment_state"]),
            refund=RefundState(row["refund_state"]),
            shipments=_shipments_decoder.decode(row["shipments"]),
        ),
    )


def _delivery(row: asyncpg.Record) -> Delivery | None:
    if row["shipping_quote_id"] is None:
        return None
    return Delivery(
        quote_id=row["shipping_quote_id"],
        personal=row["personal"],
        carrier=row["carrier"],
        deliver_by=row["deliver_by"],
        quoted_until=row["quoted_until"],
    )


def _conversion(row: asyncpg.Record) -> Conversion | None:
    if row["quote_id"] is None:
        return None
    return Conversion(
        quote_id=row["quote_id"],
        from_currency=row["priced_in"],
        to_currency=row["currency"],
        rate_nano=row["rate_nano"],
        expires_at=row["expires_at"],
    )
