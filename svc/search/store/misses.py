"""Words that found nothing. Every statement runs inside the caller's transaction or alone."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.unit_of_work import Connection

KEPT_MAX = 5_000
KEPT_DAYS = 30
TIMES_SHOWN_MIN = 3
"""What was asked for less often stays unseen: it may be what somebody typed of themselves."""
BEYOND = f"words IN (SELECT words FROM misses ORDER BY times DESC, last_at DESC, words OFFSET {KEPT_MAX})"  # noqa: S608 constants
"""Those asked for least go first, so that a flood of nonsense takes nobody's place."""
OLD = f"last_at < clock_timestamp() - interval '{KEPT_DAYS} days'"

_ADD = """
    INSERT INTO misses AS m (words, times)
    SELECT words, times FROM unnest($1::text[], $2::bigint[]) AS counted (words, times) ORDER BY words
    ON CONFLICT (words) DO UPDATE SET times = m.times + excluded.times, last_at = clock_timestamp()
"""
_MOST = """
    SELECT words, times, first_at, last_at FROM misses
    WHERE times >= $1 AND (times < $2 OR (times = $2 AND words > $3))
    ORDER BY times DESC, words LIMIT $4
"""
TIMES_MAX = 2**63 - 1


class Miss(msgspec.Struct, frozen=True):
    """Words that found nothing, and how often they were asked for."""

    words: str
    times: int
    first_at: datetime
    last_at: datetime


async def add(connection: Connection, counted: Mapping[str, int]) -> None:
    """Count them; one statement."""
    await connection.execute(_ADD, list(counted), list(counted.values()))


async def most(connection: Connection, *, after: tuple[int, str] | None, rows_max: int) -> list[Miss]:
    """Those asked for most first, after the one given; one statement."""
    times, words = after or (TIMES_MAX, "")
    rows = await connection.fetch(_MOST, TIMES_SHOWN_MIN, times, words, rows_max)
    return [Miss(**row) for row in rows]
