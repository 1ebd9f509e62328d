"""INV-10: one effect and one answer per customer and key; another body under the same key is refused.

The witness is the client history: who sent which key and body, and what each was answered. The stored answers are
compared with what was told: a key that was answered is completed, with that answer, and none is left in flight.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import was_taken_back
from scenarios.evidence.bundle import Evidence, Purchase
from scenarios.evidence.rows import IdempotencyRow

PLACED = 201
PAST = True
"""What was told cannot be taken back, nor a key be stored afterwards: of a repaired fleet the effects are judged."""


class Keyed(msgspec.Struct, frozen=True):
    """One answered attempt under an idempotency key; `effect_id` names what it brought about."""

    scope: tuple[str, str]
    key: str
    fingerprint: str
    outcome: str
    effect_id: str
    answer_sha256: str
    order_id: str
    at: float
    trace_id: str


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    by_key: dict[tuple[tuple[str, str], str], list[Keyed]] = defaultdict(list)
    for attempt in _attempts(evidence):
        by_key[attempt.scope, attempt.key].append(attempt)
    repeated = [attempts for attempts in by_key.values() if len(attempts) > 1]
    findings.observe("keys sent more than once", len(repeated))
    findings.require(repeated, "no key was sent twice: nothing could have happened twice")
    for attempts in by_key.values():
        findings.check()
        _judge_key(evidence, attempts, findings)
    _judge_effects(by_key, findings)
    _judge_stored(evidence, findings)
    _judge_answers(evidence, findings)
    return findings.result()


def _attempts(evidence: Evidence) -> Iterator[Keyed]:
    """Whatever was asked for under a key, by any function."""
    for operation in evidence.operations:
        if not operation.invoke.key:
            continue
        attempt, answer = operation.attempt, operation.answer
        yield Keyed(
            scope=(operation.invoke.function, attempt.customer_id),
            key=operation.invoke.key,
            fingerprint=attempt.fingerprint,
            outcome=operation.outcome,
            effect_id=answer.effect_id,
            answer_sha256=answer.answer_sha256,
            order_id=answer.order_id or attempt.order_id,
            at=evidence.facts.epoch(operation.invoke.time_s),
            trace_id=operation.trace_id,
        )


def _judge_key(evidence: Evidence, attempts: list[Keyed], findings: Findings) -> None:
    accepted = [attempt for attempt in attempts if attempt.outcome == "ok"]
    if not accepted:
        return
    newest = accepted[-1]
    about: dict[str, Any] = {"at": newest.at, "trace_id": newest.trace_id}
    effects = sorted({attempt.effect_id for attempt in accepted})
    if len(effects) > 1:
        findings.damage(
            "two_effects_for_key",
            f"key {newest.key} was answered with {' and '.join(effects)}",
            undone=sum(1 for effect in effects if _stands(evidence, effect)) <= 1,
            order_id=newest.order_id,
            weight=len(effects),
            **about,
        )
    bodies = {attempt.fingerprint for attempt in accepted if attempt.fingerprint}
    if len(bodies) > 1:
        findings.damage(
            "mismatch_accepted",
            f"key {newest.key} was accepted with {len(bodies)} different bodies",
            undone=PAST,
            order_id=newest.order_id,
            **about,
        )
    answers = {attempt.answer_sha256 for attempt in accepted if attempt.answer_sha256}
    if len(effects) == 1 and len(bodies) <= 1 and len(answers) > 1:
        findings.damage(
            "answers_differ",
            f"key {newest.key} was answered in {len(answers)} different ways",
            undone=PAST,
            order_id=newest.order_id,
            **about,
        )


def _judge_effects(by_key: dict[tuple[tuple[str, str], str], list[Keyed]], findings: Findings) -> None:
    """An effect belongs to one customer and one key."""
    owners: dict[str, tuple[tuple[str, str], str]] = {}
    for owner, attempts in by_key.items():
        for attempt in attempts:
            if attempt.outcome != "ok" or not attempt.effect_id:
                continue
            if owners.setdefault(attempt.effect_id, owner) != owner:
                findings.damage(
                    "answer_of_another_key",
                    f"key {attempt.key} was answered with what key {owners[attempt.effect_id][1]} had bought",
                    undone=PAST,
                    order_id=attempt.order_id,
                    at=attempt.at,
                    trace_id=attempt.trace_id,
                )
                break


def _judge_stored(evidence: Evidence, findings: Findings) -> None:
    """The stored orders, whatever clients were told."""
    by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
    for order in evidence.audit.orders:
        if order.idempotency_key:
            by_key[order.customer_id, order.idempotency_key].append(order.id)
    for (_, key), order_ids in by_key.items():
        if len(order_ids) > 1:
            findings.damage(
                "two_orders_for_key",
                f"{len(order_ids)} orders are stored for key {key}: {', '.join(order_ids)}",
                undone=sum(1 for order_id in order_ids if _stands(evidence, order_id)) <= 1,
                order_id=order_ids[-1],
                weight=len(order_ids),
            )


def _judge_answers(evidence: Evidence, findings: Findings) -> None:
    """The keys as the services stored them. A refusal may be stored or not, but what is replayed must be."""
    rows = {(_customer(row), row.key): row for row in evidence.audit.idempotency if row.service == "orders"}
    for row in evidence.audit.idempotency:
        findings.check()
        if row.status != "completed" and evidence.facts.quiesced_at is not None:
            findings.violation(
                "key_left_in_flight",
                f"{row.service}: key {row.key} is {row.status} after everything came to rest",
                at=row.created_at,
            )
    for purchase in evidence.purchases:
        if purchase.outcome == "ok" or purchase.answer.replayed:
            _judge_answer(purchase, rows.get((purchase.customer_id, purchase.key)), findings)
    ordered = {(order.customer_id, order.idempotency_key) for order in evidence.audit.orders}
    for place, row in rows.items():
        if row.answer_status == PLACED and place not in ordered:
            findings.damage(
                "stored_answer_without_order",
                f"key {row.key} is stored as answered with an order, which does not exist",
                undone=PAST,
                at=row.completed_at,
                customer_id=place[0],
            )


def _judge_answer(purchase: Purchase, row: IdempotencyRow | None, findings: Findings) -> None:
    told = PLACED if purchase.outcome == "ok" else purchase.answer.status_code
    if row is None or row.answer_status != told:
        findings.damage(
            "answer_not_stored",
            f"key {purchase.key} was answered with {told}, stored is {row.answer_status if row else 'nothing'}",
            undone=PAST,
            order_id=purchase.answer.order_id,
            customer_id=purchase.customer_id,
            at=purchase.completed_at,
            trace_id=purchase.trace_id,
        )


def _customer(row: IdempotencyRow) -> str:
    """The scope is the customer and the route, so that one customer's key says nothing about another's."""
    return row.scope.partition(" ")[0]


def _stands(evidence: Evidence, order_id: str) -> bool:
    order = evidence.orders.get(order_id)
    return order is not None and not was_taken_back(evidence, order)


CHECKER = Checker(
    id="INV-10",
    name="idempotent",
    statement="one effect and one answer per scope and key; another body under the key is refused",
    witness="client history × orders × stored answers",
    needs=("orders.orders", "orders.idempotency"),
    examine=examine,
)
