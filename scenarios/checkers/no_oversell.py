"""INV-02: no more units are confirmed to clients than exist, at any moment.

The witness is what clients were told, not what inventory says it sold. A confirmed order stops
counting when it is cancelled (a declined card gives its unit back).
"""

from scenarios.checkers.occupancy import Stay, excesses
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import CANCELLED_STATUSES, is_cancelled, judged_skus, units
from scenarios.evidence.bundle import Evidence

DEMAND_FACTOR_MIN = 2
OVERLAPS_MIN = 2


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.confirmed, "no order was confirmed to a client")
    for sku in judged_skus(evidence):
        standing = _standing_units(evidence, sku)
        _judge_history(evidence, sku, findings, standing=sum(standing.values()))
        _judge_final_read(evidence, sku, findings, standing=standing)
        if sku in evidence.facts.scarce_skus:
            _judge_strength(evidence, sku, findings)
    for row in evidence.audit.stock:
        findings.check()
        if row.on_hand < 0 or row.reserved < 0 or row.on_hand < row.reserved:
            findings.violation(
                "negative_stock",
                f"{row.sku} at {row.warehouse}: {row.on_hand} on hand, {row.reserved} reserved",
                sku=row.sku,
                weight=max(-row.on_hand, -row.reserved, row.reserved - row.on_hand),
            )
    return findings.result()


def supply_at(evidence: Evidence, sku: str, at: float) -> int | None:
    """Units that may have been sold by epoch time `at`; None when the runner stated no supply."""
    steps = [step for step in evidence.facts.supply if step.sku == sku]
    return sum(step.quantity for step in steps if step.opening or step.at <= at) if steps else None


def _judge_history(evidence: Evidence, sku: str, findings: Findings, *, standing: int) -> None:
    stays = [
        Stay(order_id, count, purchase.completed_at or purchase.invoked_at, _left_at(evidence, order_id))
        for order_id, purchase in evidence.confirmed.items()
        if (count := purchase.units(sku))
    ]
    findings.check(len(stays))
    if supply_at(evidence, sku, 0.0) is None:
        findings.require(not stays, f"the supply of {sku} is not known")
        return
    undone = standing <= (supply_at(evidence, sku, float("inf")) or 0)
    for excess in excesses(stays, lambda at: supply_at(evidence, sku, at) or 0):
        findings.damage(
            "confirmed_beyond_supply",
            f"{excess.occupied} units of {sku} confirmed to clients, the supply was {excess.limit}",
            undone=undone,
            order_id=excess.stay.order_id,
            sku=sku,
            at=excess.stay.entered_at,
            weight=excess.occupied - excess.limit,
        )


def _judge_final_read(evidence: Evidence, sku: str, findings: Findings, *, standing: dict[str, int]) -> None:
    """Orders nobody was told of count too: they will be shipped."""
    total = supply_at(evidence, sku, float("inf"))
    if total is None:
        return
    occupied = 0
    for order_id, count in standing.items():
        occupied += count
        if occupied > total:
            findings.violation(
                "standing_beyond_supply",
                f"{occupied} units of {sku} in standing orders, the supply was {total}",
                order_id=order_id,
                sku=sku,
                weight=occupied - total,
            )


def _standing_units(evidence: Evidence, sku: str) -> dict[str, int]:
    """Units by order that was not cancelled, in the order of placement."""
    standing = [order for order in evidence.audit.orders if not is_cancelled(evidence, order)]
    standing.sort(key=lambda order: order.placed_at)
    return {order.id: count for order in standing if (count := units(evidence, order.id, sku))}


def _judge_strength(evidence: Evidence, sku: str, findings: Findings) -> None:
    total = supply_at(evidence, sku, float("inf")) or 0
    wanted: dict[tuple[str, str], int] = {}
    intervals: list[tuple[float, float]] = []
    for purchase in evidence.purchases:
        if not purchase.units(sku):
            continue
        wanted[purchase.customer_id, purchase.key] = purchase.units(sku)
        intervals.append((purchase.invoked_at, purchase.completed_at or purchase.invoked_at))
    demand = sum(wanted.values())
    findings.observe("units demanded", demand)
    findings.require(
        demand >= DEMAND_FACTOR_MIN * total,
        f"demand for {sku} was {demand} units, fewer than {DEMAND_FACTOR_MIN} × the supply of {total}",
    )
    overlapping = _overlaps(intervals)
    findings.observe("overlapping purchases", overlapping)
    findings.require(overlapping >= OVERLAPS_MIN, f"no two purchases of {sku} overlapped: nothing could race")


def _overlaps(intervals: list[tuple[float, float]]) -> int:
    """How many purchases began before an earlier one had ended."""
    count = 0
    latest_end = float("-inf")
    for start, end in sorted(intervals):
        if start < latest_end:
            count += 1
        latest_end = max(latest_end, end)
    return count


def _left_at(evidence: Evidence, order_id: str) -> float | None:
    order = evidence.orders.get(order_id)
    if order_id in evidence.cancelled_at:
        return evidence.cancelled_at[order_id]
    return order.updated_at if order is not None and order.status in CANCELLED_STATUSES else None


CHECKER = Checker(
    id="INV-02",
    name="no-oversell",
    statement="units in orders confirmed to clients never exceed the supply of that moment; "
    "available stock is never negative",
    witness="client history × orders",
    needs=("orders.orders", "orders.order_lines", "orders.order_transitions", "inventory.stock"),
    examine=examine,
)
