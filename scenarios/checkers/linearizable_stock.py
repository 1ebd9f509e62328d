"""INV-24: stock answers as if one buyer came after the other, and what was booked and changed can be put in one order.

Of a SKU that was scarce every refusal must have had a moment, while it was under way, at which all that had come in
before could have been held by others: a necessary condition of linearizability that needs no search, judged moment by
moment where INV-03 judges the end. Ledger and orders are judged as list-append histories, see `list_append`.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate

from scenarios.checkers.list_append import Transaction, anomalies
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.transactions import of_the_ledger, of_the_orders
from scenarios.evidence.bundle import Evidence, Purchase

GRACE_S = 0.5
"""A hold counts so long before it was written and after it ended: between a decision and its row lies a commit."""
GIVEN_BACK = frozenset({"released", "expired"})
REFUSAL = "insufficient_stock"


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    _judge_history(of_the_ledger(evidence), "bookings", findings)
    _judge_history(of_the_orders(evidence), "changes of orders", findings)
    for sku in evidence.facts.scarce_skus:
        _judge_refusals(evidence, sku, findings)
    return findings.result()


def _judge_history(history: list[Transaction], what: str, findings: Findings) -> None:
    findings.check(len(history))
    findings.observe(what, len(history))
    for anomaly in anomalies(history):
        first = anomaly.transactions[0]
        findings.violation(
            anomaly.kind,
            anomaly.message,
            order_id=first.order_id,
            trace_id=first.trace_id,
            at=first.at,
            weight=len(anomaly.transactions),
        )


def _judge_refusals(evidence: Evidence, sku: str, findings: Findings) -> None:
    held = _Held(evidence, sku)
    steps = [step for step in evidence.facts.supply if step.sku == sku]
    if not steps:
        findings.require(False, f"the supply of {sku} is not known")
        return
    for purchase in evidence.purchases:
        if purchase.error != REFUSAL or not _one_unit(purchase, sku) or purchase.completed_at is None:
            continue
        findings.check()
        decided_after = evidence.decided_after(purchase)
        supply = sum(step.quantity for step in steps if step.opening or step.done_at <= decided_after)
        most = held.most_between(decided_after, purchase.completed_at)
        if most < supply:
            findings.damage(
                "refused_though_available",
                f"{sku}: at most {most} of {supply} units were held while this buyer was told that nothing is left",
                undone=True,  # by nobody: who was sent away is gone, and a repaired fleet is not judged by it
                sku=sku,
                at=purchase.completed_at,
                customer_id=purchase.customer_id,
                trace_id=purchase.trace_id,
                weight=supply - most,
            )


class _Held:
    """How many units of a SKU were held at most, over time; what is written late or ends early counts for longer."""

    def __init__(self, evidence: Evidence, sku: str) -> None:
        moves: list[tuple[float, int]] = []
        for hold in evidence.audit.reservations:
            if hold.sku != sku:
                continue
            moves.append((hold.created_at - GRACE_S, hold.quantity))
            if hold.status in GIVEN_BACK and hold.ended_at is not None:
                moves.append((hold.ended_at + GRACE_S, -hold.quantity))
        moves.sort()
        self._at = [at for at, _ in moves]
        self._units = list(accumulate(units for _, units in moves))

    def most_between(self, start: float, end: float) -> int:
        """The highest number at any moment from `start` to `end`."""
        first = bisect_right(self._at, start) - 1
        within = self._units[max(first, 0) : bisect_left(self._at, end, lo=max(first, 0)) + 1]
        return max(within, default=0)


def _one_unit(purchase: Purchase, sku: str) -> bool:
    """Who wanted more may have been refused although one unit was left."""
    return len(purchase.lines) == 1 and purchase.units(sku) == 1


CHECKER = Checker(
    id="INV-24",
    name="linearizable-stock",
    statement="a refusal had a moment at which nothing was left; bookings and changes of orders show no cycle "
    "(G0, G1a-c, G-single, G2-item)",
    witness="client history × holds; ledger's hash chain; orders' history by trigger",
    needs=("inventory.reservations", "payments.ledger", "orders.orders", "orders.order_transitions"),
    examine=examine,
)
