"""INV-09: what was acknowledged is in the final read, as it was asked for; nothing is there that nobody attempted.

The witness is the client history. A timeout decides nothing: its order may exist or not.
"""

from collections import Counter

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import goods, was_taken_back
from scenarios.evidence.bundle import Evidence, Purchase
from scenarios.evidence.rows import OrderRow
from scenarios.history import CANCEL_ORDER, REFUND, CancelAttempt, RefundAnswer, RefundAttempt


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.confirmed, "no order was acknowledged to a client")
    for order_id, purchase in evidence.confirmed.items():
        findings.check()
        _judge_acknowledged(evidence, order_id, purchase, findings)
    _judge_existing(evidence, findings)
    _judge_unknown(evidence, findings)
    _judge_cancels(evidence, findings)
    _judge_refunds(evidence, findings)
    return findings.result()


def _judge_acknowledged(evidence: Evidence, order_id: str, purchase: Purchase, findings: Findings) -> None:
    order = evidence.orders.get(order_id)
    if order is None:
        findings.violation(
            "acknowledged_order_missing",
            f"the client was told of the order ({purchase.answer.status_code}), it is not stored",
            order_id=order_id,
            at=purchase.completed_at,
            trace_id=purchase.trace_id,
        )
        return
    _judge_goods(evidence, order, purchase, findings)
    answer = purchase.answer
    differences = [
        what
        for what, differs in (
            ("customer", order.customer_id != purchase.customer_id),
            ("total", bool(answer.total_minor) and answer.total_minor != order.total_minor),
            ("currency", bool(answer.currency) and answer.currency != order.currency),
        )
        if differs
    ]
    if differences:
        findings.violation(
            "acknowledged_order_differs",
            f"stored order differs from what the client was told: {', '.join(differences)}",
            order_id=order_id,
            at=purchase.completed_at,
            trace_id=purchase.trace_id,
        )


def _judge_goods(evidence: Evidence, order: OrderRow, purchase: Purchase, findings: Findings) -> None:
    """An order is of what its client asked for, be it named in the request or brought into the cart before."""
    stored, wanted = goods(evidence.lines_of.get(order.id, ())), goods(purchase.lines)
    if stored != wanted:
        findings.damage(
            "other_goods_than_asked",
            f"the order is of {_goods(stored)}, its client asked for {_goods(wanted)}",
            undone=was_taken_back(evidence, order),
            order_id=order.id,
            at=purchase.completed_at,
            trace_id=purchase.trace_id,
            weight=((stored - wanted) + (wanted - stored)).total(),
        )


def _goods(units: Counter[str]) -> str:
    return ", ".join(f"{units[sku]} × {sku}" for sku in sorted(units)) or "nothing"


def _judge_existing(evidence: Evidence, findings: Findings) -> None:
    by_key: dict[tuple[str, str], list[Purchase]] = {}
    for purchase in evidence.purchases:
        by_key.setdefault((purchase.customer_id, purchase.key), []).append(purchase)
    customers = {purchase.customer_id for purchase in evidence.purchases}
    for order in evidence.audit.orders:
        findings.check()
        attempts = by_key.get((order.customer_id, order.idempotency_key))
        if attempts is None and order.customer_id not in customers and not _of_this_run(evidence, order.id):
            findings.observe("orders of people who shopped beside the run")
        elif attempts is None and order.id in evidence.confirmed:
            findings.observe("orders stored under another key than their clients', who were told of them")
        elif attempts is None:
            findings.damage(
                "order_never_attempted",
                f"order of customer {order.customer_id} exists, no client attempted it",
                undone=was_taken_back(evidence, order),
                order_id=order.id,
            )
        elif all(purchase.outcome == "fail" for purchase in attempts):
            findings.violation(
                "refused_order_exists",
                f"the client was refused ({attempts[-1].error}), yet the order exists",
                order_id=order.id,
                at=attempts[-1].completed_at,
                trace_id=attempts[-1].trace_id,
            )


def _of_this_run(evidence: Evidence, order_id: str) -> bool:
    """Whether goods of the run are in the order, which nobody else knows of; a run without goods of its own has all."""
    skus = set(evidence.facts.skus)
    return not skus or any(line.sku in skus for line in evidence.lines_of.get(order_id, ()))


def _judge_unknown(evidence: Evidence, findings: Findings) -> None:
    known = {(order.customer_id, order.idempotency_key) for order in evidence.audit.orders}
    answered = {(item.customer_id, item.key) for item in evidence.purchases if item.outcome == "ok"}
    unknown = {(item.customer_id, item.key) for item in evidence.purchases if item.outcome == "info"} - answered
    findings.observe("unknown outcomes that had happened", len(unknown & known))
    findings.observe("unknown outcomes that had not happened", len(unknown - known))


def _judge_cancels(evidence: Evidence, findings: Findings) -> None:
    for operation in evidence.operations:
        if operation.invoke.function != CANCEL_ORDER or operation.outcome != "ok":
            continue
        findings.check()
        order_id = msgspec.convert(operation.invoke.value, CancelAttempt).order_id
        order = evidence.orders.get(order_id)
        if order is not None and not was_taken_back(evidence, order):
            findings.violation(
                "acknowledged_cancel_lost",
                f"the client was told the order is cancelled, it is {order.status}",
                order_id=order_id,
                at=evidence.facts.epoch(operation.invoke.time_s),
                trace_id=operation.trace_id,
            )


def _judge_refunds(evidence: Evidence, findings: Findings) -> None:
    stored = {row.id: row for row in evidence.audit.refunds}
    for operation in evidence.operations:
        if operation.invoke.function != REFUND or operation.outcome != "ok":
            continue
        findings.check()
        told = operation.completion.value if operation.completion else None
        refund_id = "" if told is None else msgspec.convert(told, RefundAnswer).refund_id
        if refund_id not in stored:
            findings.violation(
                "acknowledged_refund_missing",
                f"the client was told of refund {refund_id or '(no id)'}, it is not stored",
                order_id=msgspec.convert(operation.invoke.value, RefundAttempt).order_id,
                at=evidence.facts.epoch(operation.invoke.time_s),
                trace_id=operation.trace_id,
            )


CHECKER = Checker(
    id="INV-09",
    name="no-lost-write",
    statement="every acknowledged order is in the final read, of the goods asked for; nothing appears that was never "
    "attempted",
    witness="client history",
    needs=("orders.orders", "orders.order_lines"),
    examine=examine,
)
