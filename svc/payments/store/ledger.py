"""The stored ledger: append-only, one chain per currency (`svc.payments.domain.double_entry` has its rules)."""

from collections.abc import Sequence
from uuid import UUID

from shared.unit_of_work import Connection
from svc.payments.domain.double_entry import GENESIS_HASH, Entry, Kind, chained, entries_of


async def book(
    connection: Connection, kind: Kind, *, transaction_id: UUID, order_id: UUID, amount_minor: int, currency: str
) -> None:
    """Append the two entries of a transaction of `amount_minor` > 0, as `post` does."""
    entries = entries_of(
        kind, transaction_id=transaction_id, order_id=order_id, amount_minor=amount_minor, currency=currency
    )
    await post(connection, entries)


async def post(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append one transaction to its currency's chain.

    The chain's head is locked until the transaction ends, so post last. Posting a transaction twice violates
    `posted_once`; one that does not sum to zero is refused at the commit.
    """
    currency = entries[0].currency
    assert all(entry.currency == currency for entry in entries), "one transaction, one currency"
    head = await _locked_head(connection, currency)
    hashes = chained(head, entries)
    await connection.executemany(
        "INSERT INTO ledger_entries "
        "(id, transaction_id, account, amount_minor, currency, order_id, kind, previous_hash, entry_hash) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (e.id, e.transaction_id, e.account, e.amount_minor, e.currency, e.order_id, e.kind, before, after)
            for e, (before, after) in zip(entries, hashes, strict=True)
        ],
    )
    await connection.execute(
        "UPDATE ledger_heads SET entry_hash = $2, entries = entries + $3 WHERE currency = $1",
        currency,
        hashes[-1][1],
        len(entries),
    )


async def refunds_of_nothing(connection: Connection, order_id: UUID) -> list[tuple[UUID, int]]:
    """Transactions that book a refund of the order under no refund's id, with their amounts, oldest first."""
    rows = await connection.fetch(
        """
        SELECT l.transaction_id, -l.amount_minor AS amount_minor FROM ledger_entries l
        WHERE l.order_id = $1 AND l.kind = 'refund' AND l.account = 'psp_receivable'
        AND NOT EXISTS (SELECT FROM refunds r WHERE r.id = l.transaction_id)
        ORDER BY l.created_at, l.id
        """,
        order_id,
    )
    return [(row["transaction_id"], row["amount_minor"]) for row in rows]


async def posted(connection: Connection, transaction_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the transactions that were posted."""
    rows = await connection.fetch(
        "SELECT DISTINCT transaction_id FROM ledger_entries WHERE transaction_id = ANY($1::uuid[])",
        list(transaction_ids),
    )
    return {row["transaction_id"] for row in rows}


async def _locked_head(connection: Connection, currency: str) -> str:
    while True:
        head = await connection.fetchval("SELECT entry_hash FROM ledger_heads WHERE currency = $1 FOR UPDATE", currency)
        if head is not None:
            return head
        await connection.execute(
            "INSERT INTO ledger_heads (currency, entry_hash, entries) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
            currency,
            GENESIS_HASH,
        )
