"""INV-03: with more demand than supply everything is sold, and every hold ends exactly once.

A unit that came back when nobody asked for it any more is not undersold; the refusals decided on after its return
are the witness, and a stored one that is repeated was decided on when it was first given. Holds are compared with
movements, orders, sagas and the clock: a saga is written before its stock is asked for, so a hold without one
belongs to nobody.
"""

from collections import defaultdict

from scenarios.checkers.no_oversell import supply_at
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import is_cancelled, is_sold, judged_skus, units
from scenarios.evidence.bundle import Evidence, Purchase
from scenarios.evidence.rows import MovementRow, ReservationRow

RETURN_GRACE_S = 0.5
ENDINGS = {"committed": "commit", "released": "release", "expired": "expire"}
STOCK_REFUSALS = frozenset({"insufficient_stock"})
"""Who was told that nothing is left is a witness; who met a closed door under load is none."""
OWN_LIMIT_REFUSALS = frozenset({"purchase_limit_exceeded", "coupon_exhausted", "coupon_limit_exceeded"})


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    for sku in judged_skus(evidence):
        if sku in evidence.facts.scarce_skus:
            _judge_sold_out(evidence, sku, findings)
    moved: dict[tuple[str, str, str], list[MovementRow]] = defaultdict(list)
    for movement in evidence.audit.movements:
        if movement.reservation_id:
            moved[movement.reservation_id, movement.warehouse, movement.sku].append(movement)
    for hold in evidence.audit.reservations:
        findings.check()
        _judge_active(evidence, hold, findings)
        _judge_restocks(evidence, hold, moved.get((hold.id, hold.warehouse, hold.sku), []), findings)
        _judge_ending(hold, moved.get((hold.id, hold.warehouse, hold.sku), []), findings)
    _judge_orphans(evidence, moved, findings)
    _judge_amounts(evidence, findings)
    return findings.result()


def _judge_sold_out(evidence: Evidence, sku: str, findings: Findings) -> None:
    supply = supply_at(evidence, sku, float("inf"))
    if supply is None:
        findings.require(False, f"the supply of {sku} is not known")
        return
    findings.check()
    sold = sum(units(evidence, order.id, sku) for order in evidence.audit.orders if is_sold(evidence, order))
    unsatisfied = _unsatisfied(evidence, sku)
    findings.require(len(unsatisfied) + sold > supply, f"demand for {sku} did not exceed its supply of {supply}")
    told_empty = [asker for asker in unsatisfied if asker.error in STOCK_REFUSALS]
    findings.observe("buyers turned away for want of capacity, not of stock", len(unsatisfied) - len(told_empty))
    refused = [asker for asker in told_empty if _fits_one_unit(asker, sku)]
    waiting = _units_still_waiting(evidence, sku)
    findings.observe("units in unexpired holds", waiting)
    unsold = supply - sold - waiting
    available_from = _availability(evidence, sku)[: max(unsold, 0)]
    missed: list[Purchase] = []
    for at in available_from:
        askers = [asker for asker in refused if evidence.decided_after(asker) > at + RETURN_GRACE_S]
        if len(askers) > len(missed):
            missed.append(askers[len(missed)])
    findings.observe("units that came back too late", len(available_from) - len(missed))
    for_sale = sum(row.on_hand - row.reserved for row in evidence.audit.stock if row.sku == sku)
    for asker in missed:
        findings.damage(
            "undersold",
            f"{sku}: {sold} of {supply} units sold, though this buyer asked for one ({asker.error})",
            undone=for_sale >= unsold,
            sku=sku,
            at=evidence.decided_after(asker),
            customer_id=asker.customer_id,
            trace_id=asker.trace_id,
        )


def _fits_one_unit(asker: Purchase, sku: str) -> bool:
    """Who wanted two, or something else beside, may have been refused although one was left."""
    return len(asker.lines) == 1 and asker.units(sku) == 1


def _unsatisfied(evidence: Evidence, sku: str) -> list[Purchase]:
    """Last attempts of buyers who never got an order and were not at a limit of their own, latest decided first."""
    served = {(item.customer_id, item.key) for item in evidence.purchases if item.outcome == "ok"}
    known = {(order.customer_id, order.idempotency_key) for order in evidence.audit.orders}
    last: dict[tuple[str, str], Purchase] = {}
    for purchase in evidence.purchases:
        buyer = purchase.customer_id, purchase.key
        if purchase.units(sku) and buyer not in served and buyer not in known:
            last[buyer] = purchase
    return sorted(
        (purchase for purchase in last.values() if purchase.error not in OWN_LIMIT_REFUSALS),
        key=evidence.decided_after,
        reverse=True,
    )


def _availability(evidence: Evidence, sku: str) -> list[float]:
    """For each unit that could be unsold, when it was last made available; latest first."""
    returned = [
        (hold.ended_at or 0.0, hold.quantity)
        for hold in evidence.audit.reservations
        if hold.sku == sku and hold.status in {"released", "expired"}
    ]
    supplied = [
        (0.0 if step.opening else step.done_at, step.quantity) for step in evidence.facts.supply if step.sku == sku
    ]
    restocked = [
        (movement.created_at, movement.on_hand_delta)
        for movement in evidence.audit.movements
        if movement.sku == sku and movement.type == "restock" and movement.reservation_id
    ]
    return sorted((at for at, quantity in returned + restocked + supplied for _ in range(quantity)), reverse=True)


def _units_still_waiting(evidence: Evidence, sku: str) -> int:
    """Units in holds of orders not yet decided on, whose time has not run out; of decided ones they should be back."""
    decided = {saga.order_id for saga in evidence.audit.sagas if saga.status != "running"}
    return sum(
        hold.quantity
        for hold in evidence.audit.reservations
        if hold.sku == sku
        and hold.status == "held"
        and not hold.pinned
        and hold.order_id not in decided
        and (hold.expires_at or 0.0) > evidence.facts.judged_at
    )


def _judge_active(evidence: Evidence, hold: ReservationRow, findings: Findings) -> None:
    if hold.status != "held" or hold.order_id in evidence.foreign_orders:
        return
    order = evidence.orders.get(hold.order_id)
    if order is not None and is_sold(evidence, order):
        kind, message = "hold_of_paid_order", "is still held though its order is paid"
    elif order is not None and is_cancelled(evidence, order):
        kind, message = "hold_of_cancelled_order", "is still held though its order is cancelled"
    elif not hold.pinned and hold.expires_at is not None and hold.expires_at <= evidence.facts.judged_at:
        kind, message = "hold_outlived_ttl", "is still held after its time"
    elif order is None and evidence.audit.sagas and hold.order_id not in evidence.saga_ids:
        kind, message = "hold_of_nobody", "is held for an order that nobody began"
    else:
        findings.observe("active holds within their time")
        return
    findings.violation(
        kind,
        f"a hold of {hold.quantity} × {hold.sku} {message}",
        order_id=hold.order_id,
        sku=hold.sku,
        at=hold.created_at,
        weight=hold.quantity,
    )


def _judge_ending(hold: ReservationRow, movements: list[MovementRow], findings: Findings) -> None:
    """As many endings as reserves once the hold has ended, one fewer while it is active."""
    reserves = [movement for movement in movements if movement.type == "reserve"]
    endings = [movement for movement in movements if movement.type in ENDINGS.values()]
    active = hold.status == "held"
    expected = len(reserves) - (1 if active else 0)
    if not reserves:
        kind, message = "hold_without_movement", "has no movement that reserved it"
    elif len(endings) > expected:
        kind, message = "hold_ended_twice", f"was reserved {len(reserves)} × and ended {len(endings)} ×"
    elif len(endings) < expected:
        kind, message = "hold_ended_without_movement", f"is {hold.status}, but no movement ended it"
    elif not active and ENDINGS.get(hold.status) not in {movement.type for movement in endings}:
        kind, message = "hold_ended_otherwise", f"is {hold.status}, its movement says {endings[-1].type}"
    else:
        return
    findings.violation(
        kind,
        f"the hold of {hold.quantity} × {hold.sku} {message}",
        order_id=hold.order_id,
        sku=hold.sku,
        at=hold.ended_at or hold.created_at,
        weight=hold.quantity,
    )


def _judge_restocks(evidence: Evidence, hold: ReservationRow, movements: list[MovementRow], findings: Findings) -> None:
    """Committed units come back at most once: with what a return brought, else when their order was undone."""
    back = [movement for movement in movements if movement.type == "restock"]
    if not back:
        return
    restocks = [movement for movement in back if not movement.reference]
    units = sum(movement.on_hand_delta for movement in back)
    commits = sum(1 for movement in movements if movement.type == "commit")
    order = evidence.orders.get(hold.order_id)
    if len(restocks) > commits or units > commits * hold.quantity:
        kind, message = "restocked_twice", f"committed {commits} ×, came back {len(back)} ×, {units} units"
    elif (
        restocks
        and order is not None
        and is_sold(evidence, order)
        and order.status not in {"refunded", "partially_refunded"}
    ):
        kind, message = "restocked_though_sold", f"came back though the order is {order.status}"
    else:
        return
    findings.violation(
        kind,
        f"{hold.quantity} × {hold.sku}: {message}",
        order_id=hold.order_id,
        sku=hold.sku,
        at=back[-1].created_at,
        weight=hold.quantity,
    )


def _judge_orphans(
    evidence: Evidence, moved: dict[tuple[str, str, str], list[MovementRow]], findings: Findings
) -> None:
    known = {(hold.id, hold.warehouse, hold.sku) for hold in evidence.audit.reservations}
    for place in sorted(moved.keys() - known):
        reservation_id, warehouse, sku = place
        findings.violation(
            "movement_without_hold",
            f"{sku} at {warehouse} was moved for a reservation that does not exist",
            order_id=reservation_id,
            sku=sku,
            at=moved[place][0].created_at,
        )


def _judge_amounts(evidence: Evidence, findings: Findings) -> None:
    """An order holds what it ordered, once; nothing is committed for an order that does not exist."""
    for order_id, holds in evidence.reservations_of.items():
        if order_id in evidence.foreign_orders:
            continue
        standing = [hold for hold in holds if hold.status in {"held", "committed"}]
        if order_id not in evidence.orders:
            for hold in standing:
                if hold.status == "committed":
                    findings.violation(
                        "committed_without_order",
                        f"{hold.quantity} × {hold.sku} left the stock for an order that does not exist",
                        order_id=order_id,
                        sku=hold.sku,
                        at=hold.ended_at,
                    )
            continue
        for sku in sorted({hold.sku for hold in standing}):
            held = sum(hold.quantity for hold in standing if hold.sku == sku)
            ordered = units(evidence, order_id, sku)
            if held > ordered:
                findings.violation(
                    "held_more_than_ordered",
                    f"{held} units of {sku} are held for an order of {ordered}",
                    order_id=order_id,
                    sku=sku,
                    weight=held - ordered,
                )


CHECKER = Checker(
    id="INV-03",
    name="no-undersell",
    statement="demand above supply sells everything; after its time no hold is active; each hold ends in "
    "exactly one of commit, release, expire",
    witness="inventory × client history × orders",
    needs=("inventory.reservations", "inventory.movements", "orders.orders", "orders.order_lines", "orders.sagas"),
    examine=examine,
)
