"""What is left of each SKU, for services that only show it: marked by inventory's events, asked for many at a time.

An event says that a SKU is to be looked at, never how much is left, so that doubles, losses of order and a release
with other events do no harm, and a thousand sales of one SKU cost few questions. A mark counts each transaction that
heard of the SKU; an answer is kept with the mark it was asked at, and one to an older mark never replaces one to a
newer. Who sells asks inventory.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from shared.database import Database
from shared.unit_of_work import Connection, UnitOfWork

SKUS_AT_ONCE_MAX = 100
LEASE_S = 5.0
"""Longer than a question may take; a second one about the same SKU would do no harm."""

TABLE = """
    CREATE TABLE stock_seen (
        sku text PRIMARY KEY,
        marks bigint NOT NULL DEFAULT 1 CHECK (marks > 0),
        seen bigint NOT NULL DEFAULT 0 CHECK (seen BETWEEN 0 AND marks),
        available bigint CHECK (available >= 0),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        changed_at timestamptz,
        CONSTRAINT what_was_seen_is_known CHECK ((seen = 0) = (available IS NULL))
    )
"""
INDEX = "CREATE INDEX stock_seen_due ON stock_seen (due_at) WHERE seen < marks"
VIEW = "CREATE VIEW audit.stock_seen AS SELECT sku, marks, seen, available, changed_at FROM stock_seen"
COMMENTS = (
    "COMMENT ON COLUMN audit.stock_seen.marks IS 'transactions that heard of this SKU from inventory'",
    "COMMENT ON COLUMN audit.stock_seen.seen IS 'the mark that available answers; lower than marks: about to be asked'",
)
STATEMENTS = (TABLE, INDEX, VIEW, *COMMENTS)

_MARK = """
    INSERT INTO stock_seen AS s (sku) SELECT DISTINCT sku FROM unnest($1::text[]) AS sku ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET marks = s.marks + 1,
        due_at = CASE WHEN s.seen = s.marks THEN clock_timestamp() ELSE s.due_at END
"""
_CLAIM = """
    WITH due AS (
        SELECT sku FROM stock_seen WHERE seen < marks AND due_at <= clock_timestamp()
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    UPDATE stock_seen SET due_at = clock_timestamp() + make_interval(secs => $2)
    WHERE sku IN (SELECT sku FROM due) RETURNING sku, marks
"""
_KEEP = """
    WITH told AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS told (sku, mark, available)
    ), before AS (
        SELECT sku, s.available FROM stock_seen AS s JOIN told USING (sku) ORDER BY sku FOR UPDATE OF s
    )
    UPDATE stock_seen AS s SET seen = told.mark, available = told.available, due_at = clock_timestamp(),
        changed_at = CASE WHEN s.available IS DISTINCT FROM told.available THEN clock_timestamp() ELSE s.changed_at END
    FROM told JOIN before USING (sku)
    WHERE s.sku = told.sku AND s.seen < told.mark
    RETURNING s.sku, before.available AS before, s.available AS after
"""
_RELEASE = "UPDATE stock_seen SET due_at = clock_timestamp() + interval '1 second' WHERE sku = ANY($1::text[])"


class Sight(msgspec.Struct, frozen=True):
    """What a look at one SKU found; `before` is None at the first."""

    sku: str
    before: int | None
    after: int


Ask = Callable[[Sequence[str]], Awaitable[dict[str, int]]]
"""Units that can be bought of each SKU; one that inventory does not know is left out, and there is none of it."""
Show = Callable[[UnitOfWork, Sequence[Sight]], Awaitable[None]]
"""What follows from what was seen, in the transaction that keeps it."""


def mark(uow: UnitOfWork, skus: Iterable[str]) -> None:
    """Have the SKUs looked at once this transaction is durable; in one order for all events of the transaction."""
    for sku in skus:
        uow.before_commit(_mark, sku)


async def _mark(connection: Connection, skus: list[str]) -> None:
    await connection.execute(_MARK, skus)


class StockWatch:
    """Looks at what was marked; any number of instances may."""

    def __init__(self, database: Database, ask: Ask, show: Show) -> None:
        self._database = database
        self._ask = ask
        self._show = show

    async def look(self) -> int:
        """Ask about some marked SKUs; gives how many were answered. Raises what asking raises."""
        async with self._database.begin() as uow:
            claimed = {
                row["sku"]: row["marks"] for row in await uow.connection.fetch(_CLAIM, SKUS_AT_ONCE_MAX, LEASE_S)
            }
        if not claimed:
            return 0
        try:
            found = await self._ask(list(claimed))
        except Exception:
            async with self._database.begin() as uow:
                await uow.connection.execute(_RELEASE, list(claimed))
            raise
        async with self._database.begin() as uow:
            rows = await uow.connection.fetch(
                _KEEP, list(claimed), list(claimed.values()), [max(0, found.get(sku, 0)) for sku in claimed]
            )
            await self._show(uow, [Sight(**row) for row in rows])
        return len(claimed)
