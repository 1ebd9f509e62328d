"""Deliveries that wait for a digest, taken out by the reader."""

from shared.unit_of_work import Connection
from svc.notifications.store.deliveries import COLUMNS, Delivery

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('digests'))"
_TAKE = f"""
    WITH reader AS (
        SELECT customer_id, recipient FROM deliveries
        WHERE status = 'gathered' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT 1
    ), told AS (
        UPDATE deliveries SET status = 'digested'
        WHERE status = 'gathered' AND due_at <= clock_timestamp()
            AND (customer_id, recipient) = (SELECT customer_id, recipient FROM reader)
        RETURNING {COLUMNS}, created_at
    )
    SELECT {COLUMNS} FROM told ORDER BY created_at, id
"""  # noqa: S608 constants


async def take(connection: Connection) -> list[Delivery]:
    """All that is due in one reader's digest, oldest first; none when no digest is due.

    One at a time in all instances, so that none is split; they are told once, with what becomes of the transaction.
    """
    await connection.execute(_LOCK)
    return [Delivery(**dict(row)) for row in await connection.fetch(_TAKE)]
