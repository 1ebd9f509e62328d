"""Forgetting rows that nobody asks for any more, a bounded number at a time, in every service with a database.

What a rule forgets must be of no use even to a repeat: an inbox row outlives the broker's retention of its event.
"""

from collections.abc import Sequence

import msgspec

from shared import idempotency
from shared.database import Database
from shared.periodic import Periodic

LOOK_EVERY_S = 60.0
ROWS_AT_ONCE_MAX = 2_000


class Rule(msgspec.Struct, frozen=True):
    """Rows of `table` under the SQL `condition` are forgotten; both are constants of the code."""

    table: str
    condition: str


LIBRARY_RULES = (
    Rule("inbox", "applied_at < clock_timestamp() - interval '8 days'"),
    Rule("dead_letters", "redriven_at < clock_timestamp() - interval '8 days' AND published_at IS NOT NULL"),
    Rule(*idempotency.FORGETTABLE),
)
WEBHOOKS = Rule("webhooks", "applied_at < clock_timestamp() - interval '8 days'")
"""For services that receive webhooks: a partner repeats one for hours, not for a week."""


def pruner(database: Database, rules: Sequence[Rule]) -> Periodic:
    """Applies the rules again and again; each in a transaction of its own."""

    async def look() -> int:
        forgotten = [await prune(database, rule) for rule in rules]
        return sum(rows == ROWS_AT_ONCE_MAX for rows in forgotten)

    return Periodic("prune", LOOK_EVERY_S, look)


async def prune(database: Database, rule: Rule) -> int:
    """Forget at most ROWS_AT_ONCE_MAX rows; gives their number."""
    async with database.begin() as uow:
        rows = await uow.connection.fetch(
            f"DELETE FROM {rule.table} WHERE ctid = ANY(ARRAY("  # noqa: S608 constants
            f"SELECT ctid FROM {rule.table} WHERE {rule.condition} LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING 1",
            ROWS_AT_ONCE_MAX,
        )
    return len(rows)
