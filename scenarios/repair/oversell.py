"""`repair oversell`: which orders cannot be served, which holds belong to nobody, which figures are wrong.

The rule: an order whose hold was taken from it, or by which a customer passes the purchase limit, is cancelled and
paid back; of the others the earliest keep their units and the latest ones beyond the supply follow. Supply is
what was received, not what a damaged figure says.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import msgspec

from scenarios.checkers.legal_transitions import SENT_SHIPMENTS
from scenarios.checkers.standing import CANCELLED_STATUSES, PAID_STATUSES
from scenarios.evidence import AuditTables
from scenarios.evidence.rows import MovementRow, OrderRow, PurchaseLimitRow
from scenarios.fleet import Fleet
from scenarios.quiescence import Quiescence, quiesce
from scenarios.repair import recalls
from scenarios.repair.recalls import NOT_STANDING
from scenarios.snapshots import take_snapshots

REASON = "oversold"
QUIESCE_S = 90.0
ROUNDS_MAX = 3
SUPPLY_TYPES = frozenset({"receive", "adjust"})

K = TypeVar("K")
Units = dict[str, int]
"""Units by SKU."""


class SkuPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one SKU needs.

    `cancel` are orders: those beyond the supply, then those without stock or beyond a limit, each latest first;
    `release` are holds that serve no standing order.
    """

    sku: str
    supply: int
    standing: int
    cancel: tuple[str, ...]
    release: tuple[str, ...]
    figures_wrong: bool

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.cancel or self.release or self.figures_wrong)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be done. `dead_letters` are inventory's, to be applied again after the figures are right.

    `recall` are standing orders that the operator names: only their customers know that they asked for something else.

    `settle` are orders that no command can undo, people must: their goods left the house though the order is off, or
    though the books have the units on the shelf again.
    """

    skus: tuple[SkuPlan, ...]
    dead_letters: int
    recall: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the fleet needs no repair of this kind."""
        return not (self.skus or self.dead_letters or self.recall or self.settle)


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did in all its rounds, how the fleet came to rest after the last, and what is left to do.

    `refused` are the orders that could not be taken back, each with what orders said; the others are done all the same.
    """

    rounds: int
    orders_cancelled: int
    refused: dict[str, str] = {}
    holds_released: int
    skus_reconciled: int
    letters_redriven: int
    quiescence: Quiescence
    left: Plan


def plan(audit: AuditTables, recall: Collection[str] = ()) -> Plan:
    """What the audit views say is to be undone, and the named orders, by number or id. Pure.

    Raises OperatorError (order.unknown).
    """
    orders = {order.id: order for order in audit.orders}
    units: dict[str, Units] = defaultdict(lambda: defaultdict(int))
    for line in audit.order_lines:
        if orders[line.order_id].status not in NOT_STANDING:
            units[line.order_id][line.sku] += line.quantity
    supply: dict[str, int] = defaultdict(int)
    for movement in audit.movements:
        if movement.type in SUPPLY_TYPES or _is_return(movement):
            supply[movement.sku] += movement.on_hand_delta
    wrong = _skus_with_wrong_figures(audit)
    leaked = _leaked_holds(audit, orders)
    by_time = sorted(units, key=lambda order_id: (orders[order_id].placed_at, order_id))
    undue = _orders_without_stock(audit) | _beyond_limits(by_time, units, orders, audit.purchase_limits)
    beyond = _beyond([order_id for order_id in by_time if order_id not in undue], units, supply)
    plans: list[SkuPlan] = []
    for sku in sorted({sku for wanted in units.values() for sku in wanted} | wrong | leaked.keys()):
        latest_first = [order_id for order_id in reversed(by_time) if sku in units[order_id]]
        made = SkuPlan(
            sku=sku,
            supply=supply[sku],
            standing=sum(units[order_id][sku] for order_id in latest_first),
            cancel=tuple(order_id for reasons in (beyond, undue) for order_id in latest_first if order_id in reasons),
            release=tuple(sorted(leaked.get(sku, ()))),
            figures_wrong=sku in wrong,
        )
        if not made.empty:
            plans.append(made)
    letters = sum(row.consumer == "inventory" and row.redriven_at is None for row in audit.dead_letters)
    return Plan(
        skus=tuple(plans),
        dead_letters=letters,
        recall=recalls.standing(audit.orders, recall),
        settle=_left_for_nobody(audit, orders),
    )


async def look(fleet: Fleet, recall: Collection[str] = ()) -> Plan:
    """The plan for the fleet as it stands. Raises OperatorError (order.unknown)."""
    snapshots = await take_snapshots(fleet.audit_urls())
    return plan(snapshots.tables, recall)


async def apply(fleet: Fleet, planned: Plan, *, since: float) -> Repaired:
    """Carry the plan out, and what the fleet shows at rest after it, until nothing is left; at most ROUNDS_MAX times.

    A damaged fleet may still be at work when the first plan is made: what it does meanwhile is the next round's.
    Each step is idempotent in the service that does it; `since` (epoch seconds) bounds the work to wait for.
    """
    orders: set[str] = set()
    holds: set[str] = set()
    skus: set[str] = set()
    refused: dict[str, str] = {}
    letters = rounds = 0
    left = planned
    while True:
        rounds += 1
        applied, refused = await _carry_out(fleet, left)
        letters += applied
        skus |= {sku.sku for sku in left.skus}
        orders |= {order_id for sku in left.skus for order_id in sku.cancel} | set(left.recall)
        holds |= {hold_id for sku in left.skus for hold_id in sku.release}
        rest = await quiesce(fleet, since=since, deadline_s=QUIESCE_S)
        left = await look(fleet, left.recall)
        done = not (left.skus or left.recall) and (not left.dead_letters or not applied)
        if done or rounds == ROUNDS_MAX:
            break
    return Repaired(
        rounds=rounds,
        orders_cancelled=len(orders - refused.keys()),
        refused=refused,
        holds_released=len(holds),
        skus_reconciled=len(skus),
        letters_redriven=letters,
        quiescence=rest,
        left=left,
    )


async def _carry_out(fleet: Fleet, planned: Plan) -> tuple[int, dict[str, str]]:
    """Stock first, then orders (which refund and tell their customers), then dead letters.

    Gives the letters applied, and the orders that refused with their reasons: one that does stops none of the others.
    """
    for sku in planned.skus:
        await fleet.call(
            "inventory",
            "POST",
            "/internal/stock/reconcile",
            json={"sku": sku.sku, "release": [*sku.cancel, *sku.release], "reason": REASON},
        )
    beyond = (order_id for sku in planned.skus for order_id in sku.cancel)
    refused = await recalls.recall(fleet, (*beyond, *planned.recall), reason=REASON)
    if not planned.dead_letters:
        return 0, refused
    redriven = await fleet.call("inventory", "POST", "/internal/dead-letters/redrive")
    return redriven["applied"], refused


def _beyond(by_time: Sequence[str], wanted: Mapping[str, Mapping[K, int]], bound: Mapping[K, int]) -> set[str]:
    """The orders whose units no longer fit their bounds, in order of time; a smaller later one may still fit."""
    given: dict[K, int] = defaultdict(int)
    beyond: set[str] = set()
    for order_id in by_time:
        if any(given[key] + count > bound[key] for key, count in wanted[order_id].items()):
            beyond.add(order_id)
            continue
        for key, count in wanted[order_id].items():
            given[key] += count
    return beyond


def _orders_without_stock(audit: AuditTables) -> set[str]:
    """Paid orders that had a hold and lost it before their units were committed."""
    paid = {order.id for order in audit.orders if order.status in PAID_STATUSES}
    backed = {row.order_id for row in audit.reservations if row.status in {"held", "committed"}}
    return {row.order_id for row in audit.reservations if row.order_id in paid} - backed


def _beyond_limits(
    by_time: Sequence[str],
    units: Mapping[str, Units],
    orders: Mapping[str, OrderRow],
    purchase_limits: Sequence[PurchaseLimitRow],
) -> set[str]:
    """The orders by which a customer passes a purchase limit; the earliest within it stay."""
    limits = {row.sku: row.per_customer for row in purchase_limits}
    wanted = {
        order_id: {
            (orders[order_id].customer_id, sku): count for sku, count in units[order_id].items() if sku in limits
        }
        for order_id in by_time
    }
    bound = {(customer_id, sku): limits[sku] for claims in wanted.values() for customer_id, sku in claims}
    return _beyond(by_time, wanted, bound)


def _is_return(movement: MovementRow) -> bool:
    """Goods that a customer sent back are there to be sold again, while their order stands."""
    return movement.type == "restock" and bool(movement.reference)


def _skus_with_wrong_figures(audit: AuditTables) -> set[str]:
    """SKUs whose columns, movements and holds disagree."""
    columns = {(row.warehouse, row.sku): (row.on_hand, row.reserved) for row in audit.stock}
    moved: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for movement in audit.movements:
        sums = moved[movement.warehouse, movement.sku]
        sums[0] += movement.on_hand_delta
        sums[1] += movement.reserved_delta
    held: dict[tuple[str, str], int] = defaultdict(int)
    for row in audit.reservations:
        if row.status == "held":
            held[row.warehouse, row.sku] += row.quantity
    return {
        sku
        for (warehouse, sku), figures in columns.items()
        if figures != tuple(moved[warehouse, sku]) or figures[1] != held[warehouse, sku]
    }


def _left_for_nobody(audit: AuditTables, orders: Mapping[str, OrderRow]) -> tuple[str, ...]:
    """Orders whose parcel left though they are off or their units count as being on the shelf, oldest first.

    Not those that an operator took back after hand-over: their goods are known to be with the customer.
    """
    came_back = {shipment.order_id for shipment in audit.shipments if shipment.status == "returned"}
    gone = {shipment.order_id for shipment in audit.shipments if shipment.status in SENT_SHIPMENTS} - came_back
    recalled = {row.order_id for row in audit.order_transitions if row.actor.startswith("operator:")}
    restocked = {
        movement.reservation_id
        for movement in audit.movements
        if movement.type == "restock" and not _is_return(movement)
    }
    off = {order.id for order in orders.values() if order.status in CANCELLED_STATUSES}
    found = gone & (off | restocked) & orders.keys() - recalled
    return tuple(sorted(found, key=lambda order_id: (orders[order_id].placed_at, order_id)))


def _leaked_holds(audit: AuditTables, orders: Mapping[str, OrderRow]) -> dict[str, set[str]]:
    """Live holds by SKU that serve nobody: of a cancelled order, or of none and without a saga that may bring one."""
    running = {saga.order_id for saga in audit.sagas if saga.status == "running"}
    leaked: dict[str, set[str]] = defaultdict(set)
    for row in audit.reservations:
        order = orders.get(row.order_id)
        serves_nobody = row.order_id not in running if order is None else order.status in NOT_STANDING
        if row.status == "held" and serves_nobody:
            leaked[row.sku].add(row.id)
    return leaked
