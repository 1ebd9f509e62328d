"""INV-12: orders and shipments only move as they may, and a status is backed by facts elsewhere.

Paid needs committed stock, shipped needs a payment, cancelled keeps no money. The witness is the history
table that a trigger writes; the path is judged as a whole, so equal timestamps do not matter.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import SHIPPED_STATUSES, goods, is_cancelled, is_sold
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import OrderRow, OrderTransitionRow, ShipmentTransitionRow
from scenarios.money_text import money_text

REFUNDS = ("refunded", "partially_refunded")
ORDER_MOVES: dict[str, frozenset[str]] = {
    "": frozenset({"pending", "reserved"}),
    "pending": frozenset({"reserved"}),
    "reserved": frozenset({"paid", "cancelled", "payment_failed"}),
    "payment_failed": frozenset({"cancelled"}),
    "paid": frozenset({"fulfilling", "cancelling", *REFUNDS}),
    "fulfilling": frozenset({"shipped", "cancelling", *REFUNDS}),
    "shipped": frozenset({"delivered", "refunded"}),
    "delivered": frozenset({"shipped", "completed", "partially_refunded", "refunded"}),
    "completed": frozenset(REFUNDS),
    "partially_refunded": frozenset({"shipped", "cancelling", "refunded"}),
    "refunded": frozenset({"cancelling"}),
    "cancelling": frozenset({"cancelled", "paid", "fulfilling", "shipped", "delivered", *REFUNDS}),
    "cancelled": frozenset(),
}
RECALLS = frozenset({("shipped", "cancelling"), ("delivered", "cancelling"), ("completed", "cancelling")})
"""Moves only an operator may make: a sale that should never have been made is taken back after hand-over."""
REFUND_REVERSED = "refund_reversed"
CORRECTIONS = frozenset({("refunded", "partially_refunded"), ("refunded", "shipped"), ("refunded", "delivered")})
"""Moves only of an order in whose ledger a refund was reversed, and which say that it is why."""
SHIPMENT_MOVES: dict[str, frozenset[str]] = {
    "": frozenset({"created"}),
    "created": frozenset({"labelled", "cancelled"}),
    "labelled": frozenset({"handed_over", "cancelled"}),
    "handed_over": frozenset({"in_transit", "delivered", "lost", "returned"}),
    "in_transit": frozenset({"delivered", "lost", "returned"}),
    "delivered": frozenset({"returned"}),
    "lost": frozenset({"delivered", "returned"}),
    "returned": frozenset(),
    "cancelled": frozenset(),
}
SENT_SHIPMENTS = frozenset({"handed_over", "in_transit", "delivered", "lost", "returned"})


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.audit.order_transitions, "no order ever changed its status")
    reversed_of = {entry.order_id for entry in evidence.audit.ledger if entry.kind == REFUND_REVERSED}
    for order in evidence.audit.orders:
        findings.check()
        path = evidence.transitions_of.get(order.id, [])
        _judge_moves(_usual(path, order.id, reversed_of), ORDER_MOVES, order.id, findings)
        _judge_path(path, order.status, order.id, findings)
        _judge_backing(evidence, order, path, findings)
    _judge_shipments(evidence, findings)
    return findings.result()


def _usual(path: list[OrderTransitionRow], order_id: str, reversed_of: Collection[str]) -> list[OrderTransitionRow]:
    """Without the moves that correct what was told of a refund that never was."""

    def corrects(row: OrderTransitionRow) -> bool:
        return (row.from_status, row.to_status) in CORRECTIONS and row.reason == REFUND_REVERSED

    return [row for row in path if order_id not in reversed_of or not corrects(row)]


def _judge_moves(
    path: Sequence[OrderTransitionRow | ShipmentTransitionRow],
    moves: dict[str, frozenset[str]],
    order_id: str,
    findings: Findings,
) -> None:
    for row in path:
        if (row.from_status, row.to_status) in RECALLS and getattr(row, "actor", "").startswith("operator:"):
            continue
        if row.to_status not in moves.get(row.from_status, frozenset()):
            findings.violation(
                "illegal_transition",
                f"went from {row.from_status or 'nothing'} to {row.to_status}",
                order_id=order_id,
                at=row.at,
            )


def _judge_path(
    path: Sequence[OrderTransitionRow | ShipmentTransitionRow],
    status: str,
    order_id: str,
    findings: Findings,
) -> None:
    """The steps must join up from nothing to the present status, in some order."""
    balance: Counter[str] = Counter()
    for row in path:
        balance[row.to_status] += 1
        balance[row.from_status] -= 1
    balance[""] += 1
    balance[status] -= 1
    if any(balance.values()):
        findings.violation(
            "history_differs_from_status",
            f"now {status}, its history is " + (" → ".join(row.to_status for row in path) if path else "empty"),
            order_id=order_id,
        )


def _judge_backing(evidence: Evidence, order: OrderRow, path: list[OrderTransitionRow], findings: Findings) -> None:
    visited = {row.to_status for row in path} | {order.status}
    if visited & SHIPPED_STATUSES and "paid" not in visited:
        findings.violation("shipped_unpaid", f"order is {order.status} and never was paid", order_id=order.id)
    kept_minor = evidence.psp_account(order.id).net_minor + evidence.owed_by_customers.get(order.id, 0)
    if is_cancelled(evidence, order) and kept_minor:
        findings.violation(
            "cancelled_but_charged",
            f"order is {order.status}, {money_text(kept_minor, order.currency)} stay captured",
            order_id=order.id,
            amount_minor=abs(kept_minor),
        )
    if not is_sold(evidence, order) or order.status == "refunded":
        return
    wanted = goods(evidence.lines_of.get(order.id, ()))
    committed: Counter[str] = Counter()
    for hold in evidence.reservations_of.get(order.id, ()):
        committed[hold.sku] += hold.quantity if hold.status == "committed" else 0
    judged = set(evidence.facts.skus) or set(wanted)
    for sku in sorted(judged & set(wanted)):
        if committed[sku] < wanted[sku]:
            findings.violation(
                "paid_without_stock",
                f"order is {order.status}, {committed[sku]} of {wanted[sku]} × {sku} committed",
                order_id=order.id,
                sku=sku,
                weight=wanted[sku] - committed[sku],
            )


def _judge_shipments(evidence: Evidence, findings: Findings) -> None:
    paths: dict[str, list[ShipmentTransitionRow]] = {}
    for row in evidence.audit.shipment_transitions:
        paths.setdefault(row.shipment_id, []).append(row)
    for shipment in evidence.audit.shipments:
        findings.check()
        path = paths.get(shipment.id, [])
        _judge_moves(path, SHIPMENT_MOVES, shipment.order_id, findings)
        _judge_path(path, shipment.status, shipment.order_id, findings)
        sent = shipment.status in SENT_SHIPMENTS
        if sent and not evidence.psp_account(shipment.order_id).captures:
            findings.violation(
                "sent_without_payment",
                f"the parcel is {shipment.status}, the provider captured nothing",
                order_id=shipment.order_id,
                at=shipment.created_at,
            )


CHECKER = Checker(
    id="INV-12",
    name="legal-transitions",
    statement="only allowed transitions; paid ⇒ committed stock; shipped ⇒ paid; cancelled ⇒ net 0",
    witness="history table written by a trigger × inventory × provider's journal",
    needs=("orders.orders", "orders.order_transitions", "inventory.reservations", "shipping.shipments"),
    examine=examine,
)
