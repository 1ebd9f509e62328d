"""INV-07: the ledger balances, keeps its floors and was never altered.

Every transaction sums to zero per currency, and its kind says which account is debited; per order no more is refunded
than was captured; each entry's hash is recomputed here, independently, over what it says and the hash of the entry
before it. There is one chain per currency.
"""

import hashlib
from collections import defaultdict
from typing import Any

import msgspec

from scenarios.checkers.money_reconciles import (
    DEBIT_OF_CAPTURE,
    DEBIT_OF_DISPUTE,
    DEBIT_OF_EXCESS,
    REFUND_EXCESS,
    ledger_book,
)
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import LedgerRow
from scenarios.money_text import money_text

GENESIS_DIGITS = frozenset("0")

CAPTURE_REVERSED = "capture_reversed"
"""A capture that was booked and never made, taken back: a capture's entries on the other sides."""
REFUND_REVERSED = "refund_reversed"
"""The same for a refund."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    entries = evidence.audit.ledger
    findings.require(entries, "the ledger is empty")
    _judge_balance(evidence, findings)
    _judge_sides(evidence, findings)
    _judge_floors(evidence, findings)
    _judge_chain(entries, findings)
    return findings.result()


def entry_hash(entry: LedgerRow) -> str:
    """SHA-256 (hex) over the compact JSON array of the previous hash and what the entry says."""
    said = [
        entry.previous_hash,
        entry.id,
        entry.transaction_id,
        entry.account,
        entry.amount_minor,
        entry.currency,
        entry.order_id,
        entry.kind,
    ]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def _judge_balance(evidence: Evidence, findings: Findings) -> None:
    transactions: dict[tuple[str, str], list[LedgerRow]] = defaultdict(list)
    for entry in evidence.audit.ledger:
        transactions[entry.transaction_id, entry.currency].append(entry)
    for (transaction_id, currency), entries in transactions.items():
        findings.check()
        total = sum(entry.amount_minor for entry in entries)
        if total == 0 or entries[0].order_id in evidence.foreign_orders:
            continue
        findings.violation(
            "transaction_unbalanced",
            f"transaction {transaction_id} sums to {money_text(total, currency)}",
            order_id=entries[0].order_id,
            at=entries[0].created_at,
            currency=currency,
            amount_minor=abs(total),
            weight=abs(total),
        )


def _judge_sides(evidence: Evidence, findings: Findings) -> None:
    """Money comes with a capture (receivable debited, sales credited) and goes with a refund (the other way round); a
    dispute moves it out of the receivable and back, or to the chargebacks.
    """
    for entry in evidence.audit.ledger:
        if entry.order_id in evidence.foreign_orders:
            continue
        findings.check()
        about: dict[str, Any] = {"order_id": entry.order_id, "at": entry.created_at, "currency": entry.currency}
        said = f"{entry.kind} of {money_text(entry.amount_minor, entry.currency)} in {entry.account}"
        debit = _debit(entry)
        if debit == 0:
            findings.violation("unknown_posting", f"{said}: no such account or kind", **about)
        elif entry.amount_minor * debit <= 0:
            findings.violation(
                "wrong_side", f"{said}: it belongs on the other side", weight=abs(entry.amount_minor), **about
            )


def _debit(entry: LedgerRow) -> int:
    """1 where entries of this kind are debits of the account, -1 where they are credits, 0 where there are none."""
    if entry.kind in DEBIT_OF_DISPUTE:
        return DEBIT_OF_DISPUTE[entry.kind].get(entry.account, 0)
    if entry.kind == CAPTURE_REVERSED:
        return -DEBIT_OF_CAPTURE.get(entry.account, 0)
    if entry.kind == REFUND_EXCESS:
        return DEBIT_OF_EXCESS.get(entry.account, 0)
    if entry.kind == REFUND_REVERSED:
        return DEBIT_OF_CAPTURE.get(entry.account, 0)
    if entry.kind.startswith("capture"):
        return DEBIT_OF_CAPTURE.get(entry.account, 0)
    return -DEBIT_OF_CAPTURE.get(entry.account, 0) if entry.kind.startswith("refund") else 0


def _judge_floors(evidence: Evidence, findings: Findings) -> None:
    for (order_id, currency), sums in ledger_book(evidence).items():
        if sums.net_minor + evidence.owed_by_customers.get(order_id, 0) < 0:
            findings.violation(
                "refunded_below_floor",
                f"the ledger: {sums.said(currency)}",
                order_id=order_id,
                currency=currency,
                amount_minor=-sums.net_minor,
                weight=-sums.net_minor,
            )


def _judge_chain(entries: list[LedgerRow], findings: Findings) -> None:
    known = {entry.entry_hash for entry in entries}
    followed: dict[str, LedgerRow] = {}
    beginnings: dict[str, LedgerRow] = {}
    for entry in sorted(entries, key=lambda entry: entry.created_at):
        about: dict[str, Any] = {"order_id": entry.order_id, "at": entry.created_at, "currency": entry.currency}
        if entry_hash(entry) != entry.entry_hash:
            findings.violation(
                "entry_altered",
                f"entry {entry.id} ({entry.account} {money_text(entry.amount_minor, entry.currency)}) "
                "is not what its hash was made of",
                **about,
            )
        if _is_genesis(entry.previous_hash):
            first = beginnings.setdefault(entry.currency, entry)
            if first is not entry:
                findings.violation(
                    "chain_restarted",
                    f"entries {first.id} and {entry.id} both begin the {entry.currency} chain",
                    **about,
                )
            continue
        if entry.previous_hash not in known:
            findings.violation("entry_removed", f"the entry before {entry.id} is missing from the ledger", **about)
        if entry.previous_hash in followed:
            findings.violation(
                "chain_forked",
                f"entries {followed[entry.previous_hash].id} and {entry.id} follow the same entry",
                **about,
            )
        followed[entry.previous_hash] = entry


def _is_genesis(previous_hash: str) -> bool:
    """A chain begins after nothing: the empty string, or a hash of zeros only."""
    return set(previous_hash) <= GENESIS_DIGITS


CHECKER = Checker(
    id="INV-07",
    name="ledger-balanced",
    statement="every transaction sums to zero, floors hold, entries are immutable (hash chain)",
    witness="the ledger's own arithmetic, recomputed",
    needs=("payments.ledger",),
    examine=examine,
)
