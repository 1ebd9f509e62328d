"""Where events go that cannot be applied: a row with the reason and the original coordinates.

The relay copies each row to the topic `dead.<service>`; nothing is ever dropped.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection

REASON_HANDLER_FAILED = "handler_failed"
REASON_PARKED = "parked"
DETAIL_CHARACTERS_MAX = 2_000

_REOPEN = """
    UPDATE dead_letters letter SET redriven_at = NULL
    WHERE consumer = $1 AND topic = $2 AND partition = $3 AND offset_ = $4 AND redriven_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM inbox done WHERE done.consumer = letter.consumer AND done.event_id = letter.event_id)
"""
"""In one statement: a redrive sets `redriven_at` in the transaction that writes the inbox row."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused record; `event_id` and `aggregate_id` are absent where the bytes gave none."""

    consumer: str
    topic: str
    partition: int
    offset: int
    payload: bytes
    reason: str
    detail: str
    attempts: int
    event_id: UUID | None = None
    aggregate_id: str | None = None


async def bury(connection: Connection, letter: DeadLetter) -> None:
    """Store the letter; a second time for the same coordinates changes nothing.

    But a letter that was ticked off although its event never was applied is open again.
    """
    stored = await connection.fetchval(
        """
        INSERT INTO dead_letters
            (consumer, event_id, aggregate_id, topic, partition, offset_, reason, detail, attempts, parked, payload)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (consumer, topic, partition, offset_) DO NOTHING RETURNING true
        """,
        letter.consumer,
        letter.event_id,
        letter.aggregate_id,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.reason,
        letter.detail[:DETAIL_CHARACTERS_MAX].replace("\x00", "␀"),
        letter.attempts,
        letter.reason == REASON_PARKED,
        letter.payload,
    )
    if stored is None:
        await connection.execute(_REOPEN, letter.consumer, letter.topic, letter.partition, letter.offset)


class OpenLetter(msgspec.Struct, frozen=True):
    """A letter that was not applied since; `id` ascends with the order of burial."""

    id: int
    payload: bytes


async def parked(connection: Connection, consumer: str, aggregate_ids: Sequence[str]) -> set[str]:
    """Those of the aggregates that wait behind a dead letter of this consumer; locks those letters.

    Until the caller's transaction ends none of them can be redriven, so a letter buried behind one is seen by its
    redrive; and who asks while one is being redriven waits for the outcome.
    """
    rows = await connection.fetch(
        "SELECT aggregate_id FROM dead_letters "
        "WHERE consumer = $1 AND aggregate_id = ANY($2::text[]) AND redriven_at IS NULL ORDER BY id FOR SHARE",
        consumer,
        list(aggregate_ids),
    )
    return {row["aggregate_id"] for row in rows}


async def open_letters(
    connection: Connection, consumer: str, *, letters_max: int, tried: Sequence[int], since: datetime | None = None
) -> list[OpenLetter]:
    """The consumer's letters that were not redriven, oldest first, without those whose ids are in `tried`.

    `since` leaves out those that were buried earlier.
    """
    rows = await connection.fetch(
        "SELECT id, payload FROM dead_letters "
        "WHERE consumer = $1 AND redriven_at IS NULL AND id <> ALL($3::bigint[]) "
        "AND ($4::timestamptz IS NULL OR created_at >= $4) ORDER BY id LIMIT $2",
        consumer,
        letters_max,
        list(tried),
        since,
    )
    return [OpenLetter(*row) for row in rows]


async def take(connection: Connection, letter_id: int) -> bool:
    """Lock a letter for its redrive, waiting for who buries behind it; False when another redrive was faster."""
    taken = await connection.fetchval(
        "SELECT true FROM dead_letters WHERE id = $1 AND redriven_at IS NULL FOR UPDATE", letter_id
    )
    return taken is not None


async def mark_redriven(connection: Connection, letter_id: int) -> None:
    """The letter's event is applied; later events of its aggregate no longer park."""
    await connection.execute("UPDATE dead_letters SET redriven_at = clock_timestamp() WHERE id = $1", letter_id)
