"""INV-01: stock comes from receipts and leaves by commits; nothing appears, nothing vanishes.

Compares movements with the stock columns, reservations with both, and the orders' paid units with
the committed ones. Witness of the supply is what the runner delivered.
"""

from collections import defaultdict

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import is_sold, was_ever_paid
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import MovementRow, StockRow

HOLD_TYPES = frozenset({"reserve", "commit", "release", "expire"})


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    movements: dict[tuple[str, str], list[MovementRow]] = defaultdict(list)
    for movement in evidence.audit.movements:
        movements[movement.warehouse, movement.sku].append(movement)
        _judge_movement(movement, findings)
    shelves = {(row.warehouse, row.sku): row for row in evidence.audit.stock}
    findings.require(movements, "no stock movement was found for the SKUs of this run")
    for place in sorted({*movements, *shelves}):
        _judge_place(evidence, place, shelves.get(place), movements.get(place, []), findings)
    for sku in sorted({sku for _, sku in shelves}):
        _judge_sales(evidence, sku, findings)
        _judge_supply(evidence, sku, findings)
    return findings.result()


def _judge_movement(movement: MovementRow, findings: Findings) -> None:
    """Each type moves the two columns in one way only."""
    on_hand, reserved = movement.on_hand_delta, movement.reserved_delta
    lawful = {
        "reserve": on_hand == 0 and reserved > 0,
        "commit": on_hand < 0 and reserved == on_hand,
        "release": on_hand == 0 and reserved < 0,
        "expire": on_hand == 0 and reserved < 0,
        "receive": on_hand > 0 and reserved == 0,
        "restock": on_hand > 0 and reserved == 0,
    }
    if not lawful.get(movement.type, reserved == 0):
        findings.violation(
            "illegal_movement",
            f"a {movement.type} moved on hand by {on_hand} and reserved by {reserved}",
            sku=movement.sku,
            at=movement.created_at,
            order_id=movement.reservation_id,
        )


def _judge_place(
    evidence: Evidence,
    place: tuple[str, str],
    shelf: StockRow | None,
    movements: list[MovementRow],
    findings: Findings,
) -> None:
    warehouse, sku = place
    findings.check()
    on_hand = sum(movement.on_hand_delta for movement in movements)
    reserved = sum(movement.reserved_delta for movement in movements)
    stands = (shelf.on_hand, shelf.reserved) if shelf else (0, 0)
    if stands[0] != on_hand:
        findings.violation(
            "on_hand_differs_from_movements",
            f"{sku} at {warehouse}: {stands[0]} on hand, the movements sum to {on_hand}",
            sku=sku,
            weight=abs(stands[0] - on_hand),
        )
    if stands[1] != reserved:
        findings.violation(
            "reserved_differs_from_movements",
            f"{sku} at {warehouse}: {stands[1]} reserved, the movements sum to {reserved}",
            sku=sku,
            weight=abs(stands[1] - reserved),
        )
    held = _reserved_units(evidence, place, "held")
    if stands[1] != held:
        findings.violation(
            "reserved_differs_from_holds",
            f"{sku} at {warehouse}: {stands[1]} reserved, active holds sum to {held}",
            sku=sku,
            weight=abs(stands[1] - held),
        )
    committed = _reserved_units(evidence, place, "committed")
    moved = -sum(movement.on_hand_delta for movement in movements if movement.type == "commit")
    if committed != moved:
        findings.violation(
            "commits_differ_from_movements",
            f"{sku} at {warehouse}: {committed} units in committed reservations, {moved} left the stock",
            sku=sku,
            weight=abs(committed - moved),
        )


def _reserved_units(evidence: Evidence, place: tuple[str, str], status: str) -> int:
    return sum(
        row.quantity
        for row in evidence.audit.reservations
        if (row.warehouse, row.sku) == place and row.status == status
    )


def _judge_sales(evidence: Evidence, sku: str, findings: Findings) -> None:
    """Committed units lie between those of orders that stand paid and of orders that ever were paid."""
    committed = sum(
        row.quantity
        for row in evidence.audit.reservations
        if row.sku == sku and row.status == "committed" and row.order_id not in evidence.foreign_orders
    )
    least = most = 0
    for line in evidence.audit.order_lines:
        order = evidence.orders.get(line.order_id)
        if line.sku != sku or order is None:
            continue
        findings.check()
        least += line.quantity if is_sold(evidence, order) else 0
        most += line.quantity if is_sold(evidence, order) or was_ever_paid(evidence, order) else 0
    if not least <= committed <= most:
        findings.violation(
            "committed_differs_from_sold",
            f"{sku}: {committed} units committed, orders sold {least}"
            + (f" (at most {most} were ever paid)" if most != least else ""),
            sku=sku,
            weight=max(least - committed, committed - most),
        )


def _judge_supply(evidence: Evidence, sku: str, findings: Findings) -> None:
    """What the runner delivered must have arrived; only where the SKU belongs to this run alone."""
    delivered = sum(step.quantity for step in evidence.facts.supply if step.sku == sku)
    shared = any(row.order_id in evidence.foreign_orders for row in evidence.audit.reservations if row.sku == sku)
    if not delivered or shared:
        return
    arrived = sum(
        movement.on_hand_delta
        for movement in evidence.audit.movements
        if movement.sku == sku and movement.type not in HOLD_TYPES and not movement.reservation_id
    )
    if arrived != delivered:
        findings.violation(
            "receipts_differ_from_supply",
            f"{sku}: {delivered} units were delivered, receipts sum to {arrived}",
            sku=sku,
            weight=abs(arrived - delivered),
        )


CHECKER = Checker(
    id="INV-01",
    name="stock-conserved",
    statement="opening + receipts + adjustments = on hand + committed, per SKU and warehouse; "
    "the sum of movements is the stock",
    witness="movements × stock columns × reservations × orders",
    needs=("inventory.stock", "inventory.movements", "inventory.reservations", "orders.orders"),
    examine=examine,
)
