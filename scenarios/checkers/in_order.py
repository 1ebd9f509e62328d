"""INV-15: a consumer applies the versions of an aggregate in their order, and its projection is what the events say.

The order is that of the inbox rows, whose times are taken as the effect is written; where the broker itself has the
newer event first, it is the projection alone that must not care. Analytics' status of an order is folded a second time
from the events on the broker, and a document of search is as the newest event of its product.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import DocumentRow, InboxRow, OutboxRow

ANALYTICS = "analytics"
STATUSES = ("placed", "paid", "shipped", "completed", "refunded", "cancelled")
"""Later in an order's life is further right, and stays."""
STATUS_BY_EVENT = {
    "order.created": "placed",
    "order.paid": "paid",
    "order.shipped": "shipped",
    "order.completed": "completed",
    "order.refunded": "refunded",
    "order.cancelled": "cancelled",
}

NOWHERE = -1
SEARCH = "search"
DELETED = "product.deleted"


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.audit.inbox, "no consumer applied anything")
    _judge_order(evidence, findings)
    _judge_fold(evidence, findings)
    _judge_documents(evidence, findings)
    return findings.result()


def _judge_order(evidence: Evidence, findings: Findings) -> None:
    """What was redriven or repaired comes late by right, and what the broker has late."""
    places = _first_places(evidence)
    until = (evidence.facts.repaired and evidence.facts.load_ended_at) or float("inf")
    redriven = {
        (letter.consumer, letter.event_id) for letter in evidence.audit.dead_letters if letter.redriven_at is not None
    }
    applied: dict[tuple[str, str, str], list[InboxRow]] = defaultdict(list)
    for row in evidence.audit.inbox:
        source = evidence.outbox_by_id.get(row.event_id)
        if source is not None and row.applied_at <= until and (row.consumer, row.event_id) not in redriven:
            applied[row.consumer, source.topic, row.aggregate_id].append(row)
    for (consumer, _, aggregate_id), rows in applied.items():
        rows.sort(key=lambda row: (row.applied_at, row.aggregate_version))
        newest = rows[0]
        for row in rows:
            findings.check()
            if row.aggregate_version >= newest.aggregate_version:
                newest = row
            elif places.get(newest.event_id, NOWHERE) < places.get(row.event_id, NOWHERE):
                findings.observe("events that the broker has behind a newer one")
            else:
                findings.violation(
                    "applied_out_of_order",
                    f"{consumer} applied version {row.aggregate_version} ({row.type}) after version "
                    f"{newest.aggregate_version} ({newest.type})",
                    order_id=aggregate_id,
                    event_id=row.event_id,
                    at=row.applied_at,
                    weight=newest.aggregate_version - row.aggregate_version,
                )


def _first_places(evidence: Evidence) -> dict[str, int]:
    """Where each event lies first; an aggregate's events share a partition, so that places compare."""
    places: dict[str, int] = {}
    for message in evidence.messages:
        places[message.event_id] = min(message.offset, places.get(message.event_id, message.offset))
    return places


def _judge_fold(evidence: Evidence, findings: Findings) -> None:
    furthest: dict[str, int] = {}
    buried = {
        letter.event_id
        for letter in evidence.audit.dead_letters
        if letter.consumer == ANALYTICS and letter.redriven_at is None
    }
    for message in evidence.messages:
        status = STATUS_BY_EVENT.get(message.type)
        if status is not None and message.event_id not in buried:
            rank = STATUSES.index(status)
            furthest[message.aggregate_id] = max(rank, furthest.get(message.aggregate_id, rank))
    for fact in evidence.audit.order_facts:
        if fact.order_id not in furthest:
            continue
        findings.check()
        told = STATUSES[furthest[fact.order_id]]
        if fact.status != told:
            findings.violation(
                "projection_differs_from_events",
                f"analytics says {fact.status or 'nothing'}, the events say {told}",
                order_id=fact.order_id,
            )


def _judge_documents(evidence: Evidence, findings: Findings) -> None:
    findings.check(len(newest_product_events(evidence)))
    for event, document in stale_documents(evidence):
        about: dict[str, Any] = {"event_id": event.id, "at": event.created_at}
        if document is None:
            findings.violation("never_projected", f"search knows no product {event.aggregate_id}", **about)
        else:
            findings.violation(
                "old_news_won",
                f"search has version {document.version} of product {event.aggregate_id}, "
                f"the newest event is {event.type} version {event.aggregate_version}",
                weight=max(1, abs(event.aggregate_version - document.version)),
                **about,
            )


def stale_documents(evidence: Evidence) -> Iterator[tuple[OutboxRow, DocumentRow | None]]:
    """The newest events of products whose document says something else, unless search has it in its dead letters."""
    documents = {row.product_id: row for row in evidence.audit.documents}
    dead = {row.event_id for row in evidence.audit.dead_letters if row.consumer == SEARCH and row.redriven_at is None}
    for product_id, event in newest_product_events(evidence).items():
        document = documents.get(product_id)
        wanted = event.aggregate_version, event.type == DELETED
        if event.id not in dead and (document is None or (document.version, document.deleted) != wanted):
            yield event, document


def newest_product_events(evidence: Evidence) -> dict[str, OutboxRow]:
    """By product, the last thing the catalog told of it in this run."""
    newest: dict[str, OutboxRow] = {}
    for row in evidence.audit.outbox:
        known = newest.get(row.aggregate_id)
        if row.service == "catalog" and (known is None or known.aggregate_version < row.aggregate_version):
            newest[row.aggregate_id] = row
    return newest


CHECKER = Checker(
    id="INV-15",
    name="in-order",
    statement="per consumer the applied versions of an aggregate increase; analytics' orders = the fold of the events, "
    "a document = its product's newest",
    witness="inboxes × outboxes × tap",
    needs=(
        "search.documents",
        "catalog.outbox",
        "analytics.inbox",
        "analytics.order_facts",
        "orders.inbox",
        "orders.outbox",
        "notifications.inbox",
    ),
    examine=examine,
)
