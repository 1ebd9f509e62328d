"""The append-only audit log of auth. Details name facts, never secrets."""

from shared.tracing import current_trace_id
from shared.unit_of_work import Connection
from svc.auth.domain import SecurityEvent

DETAIL_LENGTH_MAX = 500


async def record(connection: Connection, kind: str, subject: object, detail: str = "") -> None:
    """Write one event in the transaction of what it tells about."""
    await connection.execute(
        "INSERT INTO security_events (kind, subject, detail, trace_id) VALUES ($1, $2, $3, $4)",
        kind,
        str(subject),
        detail[:DETAIL_LENGTH_MAX],
        current_trace_id(),
    )


async def page(
    connection: Connection,
    *,
    rows_max: int,
    kind: str | None = None,
    subject: str | None = None,
    before: int | None = None,
) -> list[SecurityEvent]:
    """The newest first, of one kind, about one subject, before a place in the list; each if given."""
    rows = await connection.fetch(
        "SELECT id, at, kind, subject, detail, trace_id FROM security_events "
        "WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR subject = $2) "
        "AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        kind,
        subject,
        before,
        rows_max,
    )
    return [SecurityEvent(**dict(row)) for row in rows]
