"""INV-14: each event takes effect once per consumer, and none is forgotten.

Inbox and outbox are compared per subscription; the effects themselves are counted where they show:
payments, ledger, parcels and the carrier's labels. Dead letters are accounted for, not violations. The webhooks of
provider and carrier are events too: each one that was taken (2xx) is stored and settled, and none comes from nowhere.
"""

from collections import Counter, defaultdict

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence

DISOWNED = "disowned"
"""A stored webhook of which a repair noted that its partner never sent it; what it did, the books tell."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.audit.inbox, "no consumer applied anything")
    _judge_inbox(evidence, findings)
    _judge_subscriptions(evidence, findings)
    _judge_effects(evidence, findings)
    _judge_webhooks(evidence, findings)
    return findings.result()


def _judge_inbox(evidence: Evidence, findings: Findings) -> None:
    applied = Counter((row.consumer, row.event_id) for row in evidence.audit.inbox)
    published = {row.id for row in evidence.audit.outbox}
    published.update(message.event_id for message in evidence.messages if not message.is_of_fault)
    for row in evidence.audit.inbox:
        findings.check()
        if row.event_id not in published:
            findings.violation(
                "applied_but_never_published",
                f"{row.consumer} applied {row.type}, which nobody published",
                event_id=row.event_id,
                order_id=row.aggregate_id,
                at=row.applied_at,
            )
    for row in evidence.audit.inbox:
        count = applied.pop((row.consumer, row.event_id), 0)
        if count > 1:
            findings.violation(
                "applied_twice",
                f"{row.consumer} applied {row.type} {count} ×",
                event_id=row.event_id,
                order_id=row.aggregate_id,
                at=row.applied_at,
                weight=count,
            )


def _judge_subscriptions(evidence: Evidence, findings: Findings) -> None:
    """What a consumer subscribes to: as the runner says, and whatever it has applied at least once."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for consumer, types in evidence.facts.subscriptions.items():
        wanted[consumer].update(types)
    for row in evidence.audit.inbox:
        wanted[row.consumer].add(row.type)
    done = {(row.consumer, row.event_id) for row in evidence.audit.inbox}
    dead = {(row.consumer, row.event_id) for row in evidence.audit.dead_letters if row.redriven_at is None}
    findings.observe("dead letters", len(dead))
    for both in sorted(done & dead):
        findings.violation(
            "applied_and_dead", f"{both[0]} applied an event that also lies in its dead letters", event_id=both[1]
        )
    for row in evidence.audit.outbox:
        for consumer, types in wanted.items():
            if row.type not in types:
                continue
            findings.check()
            if (consumer, row.id) not in done and (consumer, row.id) not in dead:
                findings.violation(
                    "never_applied",
                    f"{consumer} neither applied nor parked {row.type} of {row.aggregate_id}",
                    event_id=row.id,
                    order_id=row.aggregate_id,
                    at=row.created_at,
                )


def _judge_effects(evidence: Evidence, findings: Findings) -> None:
    for order_id, count in Counter(row.order_id for row in evidence.audit.payments).items():
        findings.check()
        _once(order_id, count, "payments", findings)
    transactions: dict[str, set[str]] = defaultdict(set)
    for entry in evidence.audit.ledger:
        if entry.kind == "capture" and entry.order_id not in evidence.foreign_orders:
            transactions[entry.order_id].add(entry.transaction_id)
    for order_id, booked in transactions.items():
        findings.check()
        _once(order_id, len(booked), "ledger transactions of its capture", findings)
    sent: dict[str, list[int]] = defaultdict(list)
    for row in evidence.audit.shipments:
        if row.status != "cancelled":
            sent[row.order_id].append(row.units)
    for order_id, parcels in sent.items():
        findings.check()
        if not _shares(parcels, sum(line.quantity for line in evidence.lines_of.get(order_id, ()))):
            _once(order_id, len(parcels), "shipments", findings)
    labels = Counter(line.shipment_id for line in evidence.journals.carrier if line.kind == "label")
    order_of = {row.id: row.order_id for row in evidence.audit.shipments}
    for shipment_id, count in labels.items():
        _once(order_of.get(shipment_id, ""), count, "carrier labels for one shipment", findings)


def _shares(parcels: list[int], ordered: int) -> bool:
    """Whether several parcels share the goods of their order between them, none empty and nothing twice."""
    return min(parcels) > 0 and sum(parcels) == ordered


def _judge_webhooks(evidence: Evidence, findings: Findings) -> None:
    rows = {row.event_id: row for row in evidence.audit.webhooks}
    lines = [line for line in (*evidence.journals.psp, *evidence.journals.carrier) if line.event_id]
    for event_id, line in {line.event_id: line for line in lines if line.kind == "webhook_sent"}.items():
        findings.check()
        if event_id not in rows:
            findings.violation(
                "webhook_lost",
                f"{line.event_type} {event_id} was taken with {line.answer_status} and is not stored",
                event_id=event_id,
                at=line.at,
                trace_id=line.trace_id,
            )
    known = {line.event_id for line in lines}
    for row in rows.values():
        findings.check()
        if row.event_id not in known:
            findings.damage(
                "webhook_from_nowhere",
                f"{row.service}: {row.type} {row.event_id} is stored, nobody ever sent it",
                undone=row.outcome == DISOWNED,
            )
        elif row.outcome == DISOWNED:
            findings.violation("webhook_disowned", f"{row.type} {row.event_id} is disowned, it was really sent")
        if row.applied_at is None and evidence.facts.quiesced_at is not None:
            findings.violation(
                "webhook_not_settled",
                f"{row.type} {row.event_id} is stored and was never settled",
                event_id=row.event_id,
                at=row.received_at,
            )


def _once(order_id: str, count: int, what: str, findings: Findings) -> None:
    if count > 1:
        findings.violation("effect_twice", f"{count} {what}", order_id=order_id, weight=count)


CHECKER = Checker(
    id="INV-14",
    name="effect-once",
    statement="per consumer and event one inbox row and one effect; outbox = inbox ∪ dead letters per subscription",
    witness="databases × tap × carrier's and provider's journals",
    needs=("orders.inbox", "inventory.inbox", "payments.inbox", "orders.outbox", "payments.webhooks"),
    examine=examine,
)
