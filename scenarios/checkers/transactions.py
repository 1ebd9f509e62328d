"""What was stored, as transactions that append to lists: the ledger by its hash chain, orders by their path.

Both tables were written by those who are judged, but each row says what its transaction had seen before: a ledger entry
the hash of the entry before it, a change of status the status that it changed.
"""

from collections import defaultdict
from collections.abc import Iterable

from scenarios.checkers.list_append import Append, Read, Saw, Transaction
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import LedgerRow, OrderTransitionRow


def of_the_ledger(evidence: Evidence) -> list[Transaction]:
    """Every booking of the run, which appends entries to the list of its currency, and a last reader who saw all of
    them.
    """
    trace_ids = {order.id: order.trace_id for order in evidence.audit.orders}
    foreign = evidence.foreign_orders
    chains = {
        currency: [row for row in _in_chain_order(rows) if row.order_id not in foreign]
        for currency, rows in _by_currency(evidence.audit.ledger).items()
    }
    by_hash = {row.entry_hash: row.id for rows in chains.values() for row in rows}
    steps: dict[str, list[Append | Read | Saw]] = defaultdict(list)
    first: dict[str, LedgerRow] = {}
    for currency, rows in chains.items():
        key = f"ledger {currency}"
        for row in rows:
            first.setdefault(row.transaction_id, row)
            if row.previous_hash in by_hash:
                steps[row.transaction_id].append(Saw(key, by_hash[row.previous_hash]))
            steps[row.transaction_id].append(Append(key, row.id))
    bookings = [
        Transaction(
            id=f"{row.kind} {transaction_id}",
            steps=tuple(steps[transaction_id]),
            order_id=row.order_id,
            trace_id=trace_ids.get(row.order_id, ""),
            at=row.created_at,
        )
        for transaction_id, row in first.items()
    ]
    last = tuple(Read(f"ledger {currency}", tuple(row.id for row in rows)) for currency, rows in chains.items())
    return [*bookings, Transaction(id="the last read", steps=last)] if bookings else []


def of_the_orders(evidence: Evidence) -> list[Transaction]:
    """Every change of an order's status, which saw the status it changed, and a last reader who saw all of them."""
    changes: list[Transaction] = []
    last: list[Read] = []
    for order in evidence.audit.orders:
        key = f"status of {order.id}"
        rows = sorted(evidence.transitions_of.get(order.id, ()), key=lambda row: row.at)
        values: list[str] = []
        for row in rows:
            seen = _last_such(values, row)
            value = f"{order.id} {len(values) + 1} {row.to_status}"
            changes.append(
                Transaction(
                    id=f"{row.from_status or 'nothing'} → {row.to_status} of {order.id}",
                    steps=(Saw(key, seen), Append(key, value)),
                    order_id=order.id,
                    trace_id=order.trace_id,
                    at=row.at,
                )
            )
            values.append(value)
        last.append(Read(key, tuple(values)))
    return [*changes, Transaction(id="the last read", steps=tuple(last))] if changes else []


def _last_such(values: list[str], row: OrderTransitionRow) -> str:
    """The newest value with the status that the row says it changed; without one, a value that nobody wrote."""
    if not row.from_status:
        return ""
    such = [value for value in values if value.split(" ", 2)[2] == row.from_status]
    return such[-1] if such else f"{row.order_id} 0 {row.from_status}"


def _by_currency(rows: Iterable[LedgerRow]) -> dict[str, list[LedgerRow]]:
    found: dict[str, list[LedgerRow]] = defaultdict(list)
    for row in rows:
        found[row.currency].append(row)
    return found


def _in_chain_order(rows: list[LedgerRow]) -> list[LedgerRow]:
    """Each entry after the one that it names; where the chain forks, the older branch first."""
    known = {row.entry_hash for row in rows}
    following: dict[str, list[LedgerRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.created_at, reverse=True):
        following[row.previous_hash if row.previous_hash in known else ""].append(row)
    ordered: list[LedgerRow] = []
    waiting = list(following[""])
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting.extend(following[row.entry_hash])
    return ordered
