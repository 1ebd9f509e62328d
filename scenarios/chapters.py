"""The chapters of an order's story, as witnesses and collected evidence tell them. Pure.

A running fleet tells more: `scenarios/story.py` asks it.
"""

from collections.abc import Iterator

import msgspec

from scenarios.evidence import Evidence
from scenarios.history import Operation
from scenarios.money_text import money_text
from scenarios.world.journals import Journals


class Chapter(msgspec.Struct, frozen=True, order=True):
    """One thing that happened; `at` is epoch seconds, `where` a service, a witness or a client."""

    at: float
    where: str
    kind: str
    what: str
    detail: str


def witnessed(journals: Journals, order_id: str) -> Iterator[Chapter]:
    """What the world outside the shop knows of an order."""
    for line in journals.psp:
        if order_id in (line.merchant_reference, line.payment_reference):
            amount = money_text(line.amount_minor, line.currency)
            yield Chapter(line.at, "psp", line.kind, line.payment_id, amount)
    for line in journals.carrier:
        if line.order_id == order_id:
            yield Chapter(line.at, "carrier", line.kind, line.tracking_number, line.shipment_id)
    for line in journals.smtp:
        if line.order_id == order_id:
            yield Chapter(line.at, "smtp", line.kind or "accepted", line.template, ", ".join(line.recipients))
    for line in journals.tap:
        if line.is_about(order_id):
            yield Chapter(line.timestamp_ms / 1000, "kafka", line.type, line.place, "")


def of_order(evidence: Evidence, order_id: str) -> list[Chapter]:
    """All that the evidence of a run knows of an order, in order of time."""
    return sorted((*_told(evidence, order_id), *_stored(evidence, order_id), *witnessed(evidence.journals, order_id)))


def _told(evidence: Evidence, order_id: str) -> Iterator[Chapter]:
    """What clients asked and were told, under whatever key the order was placed."""
    order = evidence.orders.get(order_id)
    key = (order.customer_id, order.idempotency_key) if order else None
    for operation in evidence.operations:
        attempt = operation.attempt
        named = order_id in (operation.answer.order_id, attempt.order_id)
        if named or (operation.invoke.key and (attempt.customer_id, operation.invoke.key) == key):
            yield from _asked_and_answered(evidence, operation)


def _asked_and_answered(evidence: Evidence, operation: Operation) -> Iterator[Chapter]:
    facts, function, process = evidence.facts, operation.invoke.function, f"client {operation.invoke.process}"
    yield Chapter(facts.epoch(operation.invoke.time_s), process, "asked", function, operation.invoke.key)
    if operation.completion is not None:
        said = "replayed" if operation.answer.replayed else operation.completion.error
        yield Chapter(facts.epoch(operation.completion.time_s), process, operation.outcome, function, said)


def _stored(evidence: Evidence, order_id: str) -> Iterator[Chapter]:
    """What the services wrote down."""
    for row in evidence.transitions_of.get(order_id, ()):
        yield Chapter(row.at, "orders", "order", row.to_status, f"{row.actor} {row.reason}".strip())
    for row in evidence.reservations_of.get(order_id, ()):
        yield Chapter(row.created_at, "inventory", "hold", row.sku, f"{row.quantity} at {row.warehouse}")
        if row.ended_at is not None:
            yield Chapter(row.ended_at, "inventory", f"hold {row.status}", row.sku, row.end_reason)
    yield from _paid(evidence, order_id)
    yield from _sent(evidence, order_id)


def _paid(evidence: Evidence, order_id: str) -> Iterator[Chapter]:
    tables = evidence.audit
    payments = {row.id: row for row in tables.payments if row.order_id == order_id}
    for row in payments.values():
        captured = money_text(row.captured_minor, row.currency)
        yield Chapter(row.updated_at, "payments", "payment", row.status, captured)
    for row in tables.payment_attempts:
        if row.payment_id in payments:
            yield Chapter(row.started_at, "payments", "attempt", f"{row.number}: {row.outcome}", row.idempotency_key)
    for row in tables.authorisations:
        if row.order_id == order_id:
            held = money_text(row.authorised_minor, row.currency)
            yield Chapter(row.created_at, "payments", f"authorisation to {row.intent}", row.status, held)
    for row in tables.disputes:
        if row.order_id == order_id:
            amount = money_text(row.amount_minor, row.currency)
            yield Chapter(row.closed_at or row.created_at, "payments", "dispute", row.status, amount)
    for row in tables.refunds:
        if row.order_id == order_id:
            amount = money_text(row.amount_minor, row.currency)
            yield Chapter(row.created_at, "payments", "refund", row.status, f"{amount} {row.reason}".strip())


def _sent(evidence: Evidence, order_id: str) -> Iterator[Chapter]:
    tables = evidence.audit
    shipments = {row.id for row in tables.shipments if row.order_id == order_id}
    for row in tables.shipment_transitions:
        if row.shipment_id in shipments:
            yield Chapter(row.at, "shipping", "shipment", row.to_status, row.shipment_id)
    for row in tables.deliveries:
        if row.order_id == order_id and row.sent_at is not None:
            yield Chapter(row.sent_at, "notifications", row.channel, row.template, f"{row.recipient} {row.status}")
