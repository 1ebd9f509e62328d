"""INV-11: every saga ends in bounded time, and what it undoes it undoes completely.

A cancelled order leaves no hold, no money and no shipment behind, and its customer is told; a paid one
is carried on to its shipment. Each step is compared with the service or witness that must show it.
"""

from collections import defaultdict

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import OPEN_STATUSES, is_cancelled, is_sold
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import OrderRow, SagaRow
from scenarios.money_text import money_text

ENDED = frozenset({"completed", "refused", "compensated", "failed"})
VOID_SHIPMENTS = frozenset({"cancelled", "void", "voided"})


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    sagas = {saga.order_id: saga for saga in evidence.audit.sagas}
    findings.require(sagas, "no saga was found")
    if evidence.facts.quiesced_at is None:
        findings.violation("never_quiesced", "work was still going on when the time for it had run out")
    for saga in sagas.values():
        findings.check()
        _judge_saga(evidence, saga, findings)
    traces = Traces(evidence)
    for order in evidence.audit.orders:
        findings.check()
        if order.id not in sagas:
            findings.violation("order_without_saga", f"order is {order.status}, no saga leads it", order_id=order.id)
        _judge_order(evidence, order, traces, findings)
    return findings.result()


class Traces:
    """What an order left behind outside the orders service: parcels by status, mails by template."""

    def __init__(self, evidence: Evidence) -> None:
        self._shipments: dict[str, set[str]] = defaultdict(set)
        self._mails: dict[str, set[str]] = defaultdict(set)
        for shipment in evidence.audit.shipments:
            self._shipments[shipment.order_id].add(shipment.status)
        for mail in evidence.journals.smtp:
            if mail.kind in {"", "accepted"}:
                self._mails[mail.order_id].add(mail.template)

    def live_shipments(self, order_id: str) -> list[str]:
        return sorted(self._shipments[order_id] - VOID_SHIPMENTS)

    def mails(self, order_id: str) -> set[str]:
        return self._mails[order_id]


def _judge_order(evidence: Evidence, order: OrderRow, traces: Traces, findings: Findings) -> None:
    if is_cancelled(evidence, order):
        _judge_undone(evidence, order, traces, findings)
    elif is_sold(evidence, order) and order.status != "refunded":
        _judge_carried_on(order, traces, findings)
    elif order.status in OPEN_STATUSES and evidence.facts.quiesced_at is not None:
        findings.violation(
            "order_still_open",
            f"order is still {order.status} after everything came to rest",
            order_id=order.id,
        )


def _judge_saga(evidence: Evidence, saga: SagaRow, findings: Findings) -> None:
    if saga.status not in ENDED:
        late = saga.deadline_at is not None and saga.deadline_at <= evidence.facts.judged_at
        findings.violation(
            "saga_not_ended",
            f"saga is {saga.status} at step {saga.step} after {saga.attempts} attempts"
            + (", past its deadline" if late else ""),
            order_id=saga.order_id,
            at=evidence.facts.judged_at,
        )
        return
    if saga.status == "failed":
        findings.violation(
            "saga_failed",
            f"saga gave up at step {saga.step} after {saga.attempts} attempts",
            order_id=saga.order_id,
            at=saga.ended_at,
        )
    if saga.status == "refused":
        holds = evidence.reservations_of.get(saga.order_id, [])
        if any(hold.status in {"held", "committed"} for hold in holds):
            findings.violation(
                "refused_but_held",
                "the order was refused, its stock is still taken",
                order_id=saga.order_id,
                at=saga.ended_at,
                sku=holds[0].sku,
            )


def _judge_undone(evidence: Evidence, order: OrderRow, traces: Traces, findings: Findings) -> None:
    held = [hold for hold in evidence.reservations_of.get(order.id, ()) if hold.status == "held"]
    if held:
        findings.violation(
            "hold_not_released",
            f"cancelled, yet {held[0].quantity} × {held[0].sku} are still held",
            order_id=order.id,
            sku=held[0].sku,
        )
    kept = evidence.psp_account(order.id).net_minor + evidence.owed_by_customers.get(order.id, 0)
    if kept:
        findings.violation(
            "capture_not_undone",
            f"cancelled, yet {money_text(kept, order.currency)} stay captured",
            order_id=order.id,
            amount_minor=abs(kept),
        )
    if live := traces.live_shipments(order.id):
        # goods that were delivered stay so: of a repaired order its money must be back, which is judged above
        findings.damage(
            "shipment_not_void",
            f"cancelled, yet its shipment is {', '.join(live)}",
            undone=not (held or kept),
            order_id=order.id,
        )
    if not any("cancel" in template or "fail" in template for template in traces.mails(order.id)):
        findings.violation("customer_not_told", "cancelled, yet no mail told the customer", order_id=order.id)


def _judge_carried_on(order: OrderRow, traces: Traces, findings: Findings) -> None:
    if not traces.live_shipments(order.id):
        findings.violation("paid_without_shipment", "paid, yet nothing was sent on its way", order_id=order.id)
    if not any("paid" in template or "confirm" in template for template in traces.mails(order.id)):
        findings.violation(
            "customer_not_told",
            f"order is {order.status}, no mail told the customer that it is paid",
            order_id=order.id,
        )


CHECKER = Checker(
    id="INV-11",
    name="saga-terminal",
    statement="every saga ends in bounded time; compensation is complete: hold released, net capture 0, "
    "shipment void, customer told",
    witness="all services × provider's journal × mail",
    needs=("orders.sagas", "orders.orders", "inventory.reservations", "shipping.shipments"),
    examine=examine,
)
