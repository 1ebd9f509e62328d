"""Sellers' endpoints, and the deliveries to them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.notifications.store.deliveries import COLUMNS, Delivery

_COLUMNS = "id, seller_id, url, events, status, failures, created_at"
_ADD = f"""
    INSERT INTO webhook_endpoints (id, seller_id, url, events, secret)
    SELECT $1, $2, $3, $4, $5
    WHERE (SELECT count(*) FROM webhook_endpoints WHERE seller_id = $2) < $6
    ON CONFLICT (seller_id, url) DO NOTHING
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants
_LISTENING = f"""
    SELECT {_COLUMNS} FROM webhook_endpoints
    WHERE seller_id = ANY($1::uuid[]) AND status = 'enabled' AND $2 = ANY(events)
"""  # noqa: S608 constants
_QUEUE = """
    INSERT INTO deliveries (id, channel, recipient, event_id, template, customer_id, order_id, context, traceparent,
                            message_id)
    SELECT id, 'webhook', recipient, $5, $6, customer_id, $7, context::jsonb, $8, id || '@shopstream'
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) AS new (id, recipient, customer_id, context)
    ON CONFLICT (event_id, template, recipient, channel) DO NOTHING
"""
_SENT_TO = """
    SELECT id, template, status, attempts, error, created_at, sent_at FROM deliveries
    WHERE channel = 'webhook' AND recipient = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
    ORDER BY created_at DESC, id DESC LIMIT $4
"""
_FAILED = """
    UPDATE webhook_endpoints SET
        failures = failures + 1,
        status = CASE WHEN $2 OR failures + 1 >= $3 THEN 'disabled' ELSE status END
    WHERE id = $1 AND status = 'enabled'
    RETURNING status, failures
"""
_ROTATE = f"""
    UPDATE webhook_endpoints SET
        last_secret = secret, last_secret_until = clock_timestamp() + $3::interval, secret = $4
    WHERE id = $1 AND seller_id = $2
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a seller wants to be told; `failures` counts attempts in a row."""

    id: UUID
    seller_id: UUID
    url: str
    events: list[str]
    status: str
    failures: int
    created_at: datetime


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as one attempt needs it; `secrets` newest first."""

    url: str
    status: str
    secrets: list[str]


class Outgoing(msgspec.Struct, frozen=True):
    """A delivery to an endpoint; no target where the endpoint is gone."""

    delivery: Delivery
    target: Target | None

    @property
    def traceparent(self) -> str | None:
        """Of the event that it tells."""
        return self.delivery.traceparent


class Sent(msgspec.Struct, frozen=True):
    """What became of one delivery, for its seller."""

    id: UUID
    event: str
    status: str
    attempts: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None


async def add(
    connection: Connection,
    endpoint_id: UUID,
    seller_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    secret: str,
    most: int,
) -> Endpoint | None:
    """A new endpoint; None when the seller has this URL, or as many as there may be. One seller's come one by one."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(seller_id))
    row = await connection.fetchrow(_ADD, endpoint_id, seller_id, url, list(events), secret, most)
    return None if row is None else Endpoint(**dict(row))


async def of_seller(connection: Connection, seller_id: UUID) -> list[Endpoint]:
    """The seller's endpoints, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE seller_id = $1 ORDER BY created_at, id",  # noqa: S608 constants
        seller_id,
    )
    return [Endpoint(**dict(row)) for row in rows]


async def find(connection: Connection, seller_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """One of the seller's endpoints."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE id = $1 AND seller_id = $2",  # noqa: S608 constants
        endpoint_id,
        seller_id,
    )
    return None if row is None else Endpoint(**dict(row))


async def remove(connection: Connection, seller_id: UUID, endpoint_id: UUID) -> bool:
    """Take the endpoint away; False when the seller has none."""
    return bool(
        await connection.fetchval(
            "DELETE FROM webhook_endpoints WHERE id = $1 AND seller_id = $2 RETURNING true", endpoint_id, seller_id
        )
    )


async def enable(connection: Connection, seller_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """Tell the endpoint again; its failures are forgotten."""
    row = await connection.fetchrow(
        "UPDATE webhook_endpoints SET status = 'enabled', failures = 0 WHERE id = $1 AND seller_id = $2 "  # noqa: S608 constants
        f"RETURNING {_COLUMNS}",
        endpoint_id,
        seller_id,
    )
    return None if row is None else Endpoint(**dict(row))


async def rotate(
    connection: Connection, seller_id: UUID, endpoint_id: UUID, *, secret: str, overlap: timedelta
) -> Endpoint | None:
    """Sign with another secret, and for the overlap with the last one too."""
    row = await connection.fetchrow(_ROTATE, endpoint_id, seller_id, overlap, secret)
    return None if row is None else Endpoint(**dict(row))


async def listening(connection: Connection, sellers: Collection[UUID], event: str) -> list[Endpoint]:
    """The enabled endpoints of these sellers that want to be told of such an event."""
    return [Endpoint(**dict(row)) for row in await connection.fetch(_LISTENING, list(sellers), event)]


async def queue(
    connection: Connection,
    told: Sequence[tuple[UUID, Endpoint, Any]],
    *,
    event_id: UUID,
    event: str,
    order_id: UUID,
    traceparent: str | None,
) -> None:
    """Store deliveries (id, endpoint, payload), each once whatever is redelivered."""
    await connection.execute(
        _QUEUE,
        [delivery_id for delivery_id, _, _ in told],
        [str(endpoint.id) for _, endpoint, _ in told],
        [endpoint.seller_id for _, endpoint, _ in told],
        [msgspec.json.encode(payload).decode() for _, _, payload in told],
        event_id,
        event,
        order_id,
        traceparent,
    )


async def sent_to(
    connection: Connection, endpoint_id: UUID, *, before: tuple[datetime, UUID] | None, rows_max: int
) -> list[Sent]:
    """Deliveries to an endpoint, newest first, after a place in the list."""
    at, delivery_id = before or (None, None)
    return [Sent(*row) for row in await connection.fetch(_SENT_TO, str(endpoint_id), at, delivery_id, rows_max)]


async def note_success(connection: Connection, endpoint_id: UUID) -> None:
    """The endpoint took something: its failures are no longer in a row."""
    await connection.execute(
        "UPDATE webhook_endpoints SET failures = 0 WHERE id = $1 AND failures > 0 AND status = 'enabled'", endpoint_id
    )


async def note_failure(connection: Connection, endpoint_id: UUID, *, final: bool, most: int) -> int | None:
    """One more failure in a row; gives their number when that disabled the endpoint, which happens once."""
    row = await connection.fetchrow(_FAILED, endpoint_id, final, most)
    return row["failures"] if row is not None and row["status"] == "disabled" else None


async def note_attempt(connection: Connection, delivery_id: UUID, *, error: str | None) -> None:
    """An attempt was answered, or failed."""
    await connection.execute(
        "UPDATE deliveries SET attempts = attempts + 1, error = $2 WHERE id = $1", delivery_id, error
    )


def _outgoing(row: Any) -> Outgoing:
    values = dict(row)
    return Outgoing(Delivery(**{name: values[name] for name in Delivery.__struct_fields__}), _target(values["target"]))


def _target(stored: Any) -> Target | None:
    return None if stored is None else msgspec.convert(stored, Target)


WORK = WorkTable(
    "deliveries",
    key="id",
    is_open="status = 'pending' AND channel = 'webhook'",
    columns=f"""
        {COLUMNS}, (
            SELECT jsonb_build_object('url', url, 'status', e.status, 'secrets', CASE
                WHEN last_secret_until > clock_timestamp() THEN jsonb_build_array(secret, last_secret)
                ELSE jsonb_build_array(secret) END)
            FROM webhook_endpoints e WHERE e.id::text = deliveries.recipient
        ) AS target
    """,  # noqa: S608 constants
    read=_outgoing,
)
"""Deliveries to sellers' endpoints that are due."""
