"""INV-13: every change that must be told is in the outbox once, and every outbox row reached the broker.

Databases are compared with the tap, which reads the broker on its own.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import OutboxRow
from scenarios.world.journals import TapRecord
from shared.contracts import EVENT_TOPICS

TOLD_STATUSES = {
    "paid": "order.paid",
    "shipped": "order.shipped",
    "completed": "order.completed",
    "cancelled": "order.cancelled",
}
TOLD_MOVES = {
    "capture": "payment.processed",
    "refund": "payment.refunded",
    "refund_reversed": "payment.refund_reversed",
    "refund_duplicate": "payment.duplicate_returned",
    "dispute_opened": "payment.disputed",
}
"""By kind of ledger entry; a capture beyond the one owed is told once it went back."""

TOPICS = frozenset(topic.name for topic in EVENT_TOPICS)


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    rows = evidence.audit.outbox
    messages: dict[str, list[TapRecord]] = defaultdict(list)
    for message in evidence.messages:
        if message.event_id:
            messages[message.event_id].append(message)
    findings.require(rows, "no outbox row was written")
    findings.require(messages, "the tap saw no message")
    for row in rows:
        findings.check()
        _judge_row(row, messages.get(row.id, []), findings)
    _judge_versions(rows, findings)
    _judge_messages(evidence, messages, findings)
    _judge_changes(evidence, findings)
    return findings.result()


def _judge_row(row: OutboxRow, copies: list[TapRecord], findings: Findings) -> None:
    about: dict[str, Any] = {"at": row.created_at, "event_id": row.id, "order_id": row.aggregate_id}
    if not copies:
        kind = "event_never_sent" if row.sent_at is None else "event_not_on_broker"
        findings.violation(kind, f"{row.service}: {row.type} of {row.aggregate_id} is not on the broker", **about)
        return
    findings.observe("events on the broker more than once", 1 if len(copies) > 1 else 0)
    for copy in copies:
        if copy.key != row.key:
            findings.damage(
                "wrong_key",
                f"{row.type} lies under key {copy.key or '(none)'}, not {row.key}",
                undone=True,  # by nobody, for the log is final; in which order it was applied, others judge
                **about,
            )
        elif (copy.type, copy.aggregate_version) != (row.type, row.aggregate_version):
            findings.violation(
                "event_differs_from_row",
                f"the outbox says {row.type} version {row.aggregate_version}, "
                f"the broker {copy.type} version {copy.aggregate_version}",
                **about,
            )


def _judge_versions(rows: list[OutboxRow], findings: Findings) -> None:
    seen: dict[tuple[str, str, int], OutboxRow] = {}
    for row in rows:
        earlier = seen.setdefault((row.service, row.aggregate_id, row.aggregate_version), row)
        if earlier is not row:
            findings.violation(
                "version_told_twice",
                f"{row.service}: version {row.aggregate_version} of {row.aggregate_id} "
                f"is told by {earlier.type} and {row.type}",
                at=row.created_at,
                event_id=row.id,
                order_id=row.aggregate_id,
            )


def _judge_messages(evidence: Evidence, messages: dict[str, list[TapRecord]], findings: Findings) -> None:
    """Produced without an outbox row, and not by a fault: a dual write."""
    if not evidence.audit.outbox:
        return
    told = {(row.topic, row.type, row.aggregate_id, row.aggregate_version) for row in evidence.audit.outbox}
    for event_id, copies in messages.items():
        copy = copies[0]
        during = copy.timestamp_ms >= evidence.facts.started_at * 1000
        if event_id not in evidence.outbox_by_id and during and copy.topic in TOPICS and not copy.is_of_fault:
            says_what_a_row_says = (copy.topic, copy.type, copy.aggregate_id, copy.aggregate_version) in told
            findings.damage(
                "event_without_row",
                f"{copy.type} is on {copy.topic} without an outbox row",
                undone=says_what_a_row_says and evidence.facts.is_past(copy.timestamp_ms / 1000),  # the log is final
                event_id=event_id,
                order_id=copy.aggregate_id,
                at=copy.timestamp_ms / 1000,
            )


def _judge_changes(evidence: Evidence, findings: Findings) -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for row in evidence.audit.outbox:
        told[row.aggregate_id].add(row.type)
    for aggregate_id, order_id, event_type in _changes(evidence):
        findings.check()
        if event_type not in told[aggregate_id]:
            findings.violation(
                "change_without_event", f"the change was stored, {event_type} was not", order_id=order_id
            )


def _changes(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """Aggregate, order and event type of every change that must be told."""
    for order in evidence.audit.orders:
        yield order.id, order.id, "order.created"
        for row in evidence.transitions_of.get(order.id, ()):
            if row.to_status in TOLD_STATUSES:
                yield order.id, order.id, TOLD_STATUSES[row.to_status]
    moved: dict[str, set[str]] = defaultdict(set)
    for entry in evidence.audit.ledger:
        moved[entry.order_id].add(entry.kind)
    for payment in evidence.audit.payments:
        for kind in sorted(moved[payment.order_id] & TOLD_MOVES.keys()):
            yield payment.id, payment.order_id, TOLD_MOVES[kind]
    for hold in evidence.audit.reservations:
        if hold.status == "committed" and hold.order_id in evidence.orders:
            yield hold.id, hold.order_id, "inventory.committed"


CHECKER = Checker(
    id="INV-13",
    name="outbox-complete",
    statement="each aggregate version has exactly one outbox row, each row is on the broker at least once",
    witness="databases × tap of the broker",
    needs=("orders.outbox", "inventory.outbox", "payments.outbox", "orders.orders"),
    examine=examine,
)
