"""The append-only audit log of auth. Details name facts, never secrets."""

from shared.tracing import current_trace_id
from shared.unit_of_work import Connection

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
