"""INV-01: stock comes from receipts and leaves by commits; nothing appears, nothing vanishes.

Compares movements with the stock columns, reservations with both, the orders' paid units with the committed ones, and
what the carrier took out of the house with what the books say is gone. Witness of the supply is what the runner
delivered.
"""

from collections import defaultdict

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import is_cancelled, is_sold, judged_skus, was_ever_paid
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import MovementRow, OrderRow, StockRow

NO_SUPPLY = frozenset({"reserve", "commit", "release", "expire", "adjust"})
"""What brings no goods: holds, and what a count found."""


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
    _judge_transfers(evidence, findings)
    for sku in sorted({sku for _, sku in shelves}):
        _judge_sales(evidence, sku, findings)
        _judge_supply(evidence, sku, findings)
    _judge_parcels(evidence, findings)
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
        "adjust": on_hand != 0 and reserved == 0,
        "transfer": on_hand != 0 and reserved == 0,
    }
    if not lawful.get(movement.type, False):
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


def _judge_transfers(evidence: Evidence, findings: Findings) -> None:
    """What left one warehouse for another arrived there, in one."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(list)
    for movement in evidence.audit.movements:
        if movement.type == "transfer":
            sums[movement.reference, movement.sku].append(movement.on_hand_delta)
    for (reference, sku), deltas in sorted(sums.items()):
        findings.check()
        if len(deltas) != 2 or sum(deltas):
            findings.violation(
                "transfer_torn",
                f"the transfer {reference} moved {sku} by {', '.join(f'{delta:+d}' for delta in deltas)}",
                sku=sku,
                weight=abs(sum(deltas)) or 1,
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
        if movement.sku == sku and movement.type not in NO_SUPPLY and not movement.reservation_id
    )
    if arrived != delivered:
        findings.violation(
            "receipts_differ_from_supply",
            f"{sku}: {delivered} units were delivered, receipts sum to {arrived}",
            sku=sku,
            weight=abs(arrived - delivered),
        )


def _judge_parcels(evidence: Evidence, findings: Findings) -> None:
    """A parcel that left took its order's units with it: they are off the shelf, and somebody pays for them.

    What a return brought back (a restock with its reference) had left all the same.
    """
    gone_by_books: dict[tuple[str, str], int] = defaultdict(int)
    for movement in evidence.audit.movements:
        if movement.type == "commit" or (movement.type == "restock" and not movement.reference):
            gone_by_books[movement.reservation_id, movement.sku] -= movement.on_hand_delta
    came_back = {shipment.order_id for shipment in evidence.audit.shipments if shipment.status == "returned"}
    left_at = {line.order_id: line.at for line in evidence.journals.carrier if line.kind == "handed_over"}
    for order_id in sorted(left_at.keys() - came_back):
        findings.check()
        order = evidence.orders.get(order_id)
        if order is None:
            findings.violation(
                "parcel_of_nobody",
                "a parcel left for an order that does not exist",
                order_id=order_id,
                at=left_at[order_id],
            )
            continue
        _judge_payer(evidence, order, left_at[order_id], findings)
        for sku in judged_skus(evidence):
            ordered = sum(line.quantity for line in evidence.lines_of.get(order_id, ()) if line.sku == sku)
            gone = gone_by_books[order_id, sku]
            if gone < ordered:
                findings.damage(
                    "left_but_on_the_shelf",
                    f"the parcel left with {ordered} × {sku}, by the books {gone} are gone",
                    undone=_taken_back(evidence, order),
                    order_id=order_id,
                    sku=sku,
                    at=left_at[order_id],
                    weight=ordered - gone,
                )


def _judge_payer(evidence: Evidence, order: OrderRow, left_at: float, findings: Findings) -> None:
    """Nobody pays for the goods of an order that was off, or wholly paid back, before they left."""
    refunded_at = [row.at for row in evidence.transitions_of.get(order.id, ()) if row.to_status == "refunded"]
    off = is_cancelled(evidence, order)
    if not off and not (refunded_at and min(refunded_at) < left_at):
        return
    findings.damage(
        "left_for_nobody",
        f"the parcel left though the order is {'off' if off else 'paid back'}",
        undone=_taken_back(evidence, order),
        order_id=order.id,
        at=left_at,
    )


def _taken_back(evidence: Evidence, order: OrderRow) -> bool:
    """A repair gives the money of goods back that cannot be taken back; that much is undone."""
    return evidence.psp_account(order.id).net_minor + evidence.owed_by_customers.get(order.id, 0) == 0


CHECKER = Checker(
    id="INV-01",
    name="stock-conserved",
    statement="opening + receipts + adjustments = on hand + committed, per SKU and warehouse; "
    "the sum of movements is the stock; what left the house is gone by the books too",
    witness="movements × stock columns × reservations × orders × carrier's journal",
    needs=("inventory.stock", "inventory.movements", "inventory.reservations", "orders.orders", "shipping.shipments"),
    examine=examine,
)
