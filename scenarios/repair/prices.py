"""Second half of `repair charges`: orders that cost otherwise than the rules say.

The rule: what an order should have cost is written down beside it, once, where orders and the judge's oracle agree on
it; one at another rate than payments promised should have cost what it does at that one. What was too much goes back
once, as far as it is still ours; what was too little is waived. An order that is off or paid back is only written down.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Final

import msgspec

from compose.operator_error import OperatorError
from scenarios.checkers.exact_money import (
    NANO,
    PRICE_AGE_S_MAX,
    REQUEST_S_MAX,
    Priced,
    Rate,
    Rules,
    at_promised_rate,
    due_of,
    is_right,
)
from scenarios.checkers.standing import CANCELLED_STATUSES, OPEN_STATUSES
from scenarios.evidence import Evidence, RunFacts
from scenarios.evidence.rows import OrderLineRow, OrderRow
from scenarios.fleet import Fleet
from scenarios.quiescence import Quiescence, quiesce
from scenarios.repair import asking
from scenarios.repair.asking import Caller
from scenarios.repair.charges import OPEN_PAYMENTS, OPEN_REFUNDS, Unsettled
from scenarios.snapshots import take_snapshots
from shared.contracts.payments import PRICE_CORRECTION
from shared.money import Money

REASON: Final = "priced otherwise than the rules say"
RATE_REASON: Final = "charged at another rate than was promised"
QUIESCE_S: Final = 90.0
ROUNDS_MAX: Final = 3
UNDECIDED: Final = OPEN_STATUSES | {"cancelling"}


class OrderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one order needs; minor units of `currency`.

    `right_minor` is what it should have cost, `difference_minor` what was too much, negative for too little;
    `give_back_minor` is what goes back of it. `corrected` tells that the right price stands beside it already.
    `catalog_prices` of its lines are told where it is at another rate than was promised.
    """

    order_id: str
    currency: str
    right_minor: int
    difference_minor: int
    give_back_minor: int = 0
    corrected: bool = False
    catalog_prices: tuple[int, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be done. `settle` is what no command can undo."""

    orders: tuple[OrderPlan, ...] = ()
    settle: tuple[Unsettled, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the fleet needs no repair of this kind."""
        return not (self.orders or self.settle)

    @property
    def money_minor(self) -> dict[str, int]:
        """What goes back to customers, by currency."""
        sums: Counter[str] = Counter()
        for order in self.orders:
            sums[order.currency] += order.give_back_minor
        return {currency: amount for currency, amount in sorted(sums.items()) if amount}


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did in all its rounds, how the fleet came to rest after the last, and what is left to do.

    `waived` were charged too little. `refused` are the orders that could not be repaired, each with what was said.
    """

    rounds: int
    corrected: int
    given_back: int
    waived: int
    refused: dict[str, str] = {}
    quiescence: Quiescence
    left: Plan


def plan(evidence: Evidence) -> Plan:
    """What the oracle makes of what the audit views say of the orders. Pure."""
    rules = Rules(evidence)
    busy = {row.order_id for row in evidence.audit.refunds if row.status in OPEN_REFUNDS}
    busy |= {row.order_id for row in evidence.audit.payments if row.status in OPEN_PAYMENTS}
    left_minor = _left_minor(evidence)
    orders: list[OrderPlan] = []
    settle: list[Unsettled] = []
    for order in sorted(evidence.audit.orders, key=lambda order: order.id):
        lines = sorted(evidence.lines_of.get(order.id, ()), key=lambda line: line.position)
        if order.id in busy or order.status in UNDECIDED or not order.shipping_country or not lines:
            continue
        found = _of_order(evidence, order, lines, rules, left_minor=left_minor.get(order.id, 0))
        if isinstance(found, Unsettled):
            settle.append(found)
        elif found is not None:
            orders.append(found)
    return Plan(orders=tuple(orders), settle=tuple(settle))


async def look(fleet: Fleet) -> Plan:
    """The plan for the fleet as it stands. Raises OperatorError (snapshot.lacks) when a part cannot be read."""
    snapshots = await take_snapshots(fleet.audit_urls())
    if snapshots.problems:
        raise OperatorError(
            "snapshot.lacks",
            f"Not everything could be read: {snapshots.problems[0]}.",
            mend="Look with: shopctl status.",
        )
    facts = RunFacts(scenario="repair", seed=0, started_at=0.0, history_origin_at=0.0)
    return plan(Evidence(facts=facts, history=[], audit=snapshots.tables))


async def apply(fleet: Fleet, planned: Plan, *, since: float) -> Repaired:
    """Carry the plan out, and what the fleet shows at rest after it, until nothing is left; at most ROUNDS_MAX times.

    Each step is idempotent: an order has one correction, and one refund for it. `since` (epoch seconds) bounds the work
    to wait for.
    """
    done: dict[str, OrderPlan] = {}
    refused: dict[str, str] = {}
    left, rounds = planned, 0
    while True:
        rounds += 1
        refused = await carry_out(fleet, left)
        news = {order.order_id: order for order in left.orders if order.order_id not in refused}
        done |= {order_id: order for order_id, order in news.items() if order_id not in done}
        rest = await quiesce(fleet, since=since, deadline_s=QUIESCE_S)
        left = await look(fleet)
        if not left.orders or not news or rounds == ROUNDS_MAX:
            break
    return Repaired(
        rounds=rounds,
        corrected=sum(not order.corrected for order in done.values()),
        given_back=sum(order.give_back_minor > 0 for order in done.values()),
        waived=sum(order.difference_minor < 0 for order in done.values()),
        refused=refused,
        quiescence=rest,
        left=left,
    )


async def carry_out(fleet: Caller, planned: Plan) -> dict[str, str]:
    """Ask for each step, once however often it is asked; does not wait.

    Gives the orders that refused with their reasons: one that does stops none of the others.
    """
    return await asking.refused((order.order_id, partial(_repair, fleet, order)) for order in planned.orders)


async def _repair(fleet: Caller, order: OrderPlan) -> None:
    """The right price first: money goes back only where it is written down why."""
    if not order.corrected:
        told: dict[str, object] = {"total": Money(order.right_minor, order.currency).to_wire(), "reason": REASON}
        door = "price-correction"
        if order.catalog_prices:
            door, told = "rate-correction", {**told, "reason": RATE_REASON, "catalog_prices": order.catalog_prices}
        await fleet.call("orders", "POST", f"/internal/orders/{order.order_id}/{door}", json=told)
    if order.give_back_minor:
        await fleet.call(
            "payments",
            "POST",
            f"/internal/payments/{order.order_id}/price-difference",
            json={"amount": Money(order.give_back_minor, order.currency).to_wire()},
        )


def _of_order(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, *, left_minor: int
) -> OrderPlan | Unsettled | None:
    found = _right(evidence, order, lines, rules)
    if found is None or isinstance(found, Unsettled):
        return found
    due, catalog_prices = found
    correction = evidence.corrections.get(order.id)
    right_minor = due.goods_minor + order.shipping_minor
    if correction is not None and not is_right(correction, order, due):
        return Unsettled(order.id, "corrected otherwise than the rules say, and once only")
    told = order.discount_minor, order.tax_minor, order.total_minor
    shares = tuple(line.discount_minor for line in lines), tuple(line.tax_minor for line in lines)
    if not catalog_prices and (*told, *shares) == (
        due.discount_minor,
        due.tax_minor,
        right_minor,
        due.discounts,
        due.taxes,
    ):
        return None
    difference_minor = order.total_minor - right_minor
    returns = [row.status for row in evidence.refunds_of.get(order.id, ()) if row.reason == PRICE_CORRECTION]
    if "failed" in returns:
        return Unsettled(order.id, "what it was charged too much could not be paid back")
    too_much_minor = 0 if returns or order.status in CANCELLED_STATUSES else max(0, difference_minor)
    give_back_minor = min(too_much_minor, left_minor)
    if correction is not None and not give_back_minor:
        return None
    return OrderPlan(
        order_id=order.id,
        currency=order.currency,
        right_minor=right_minor,
        difference_minor=difference_minor,
        give_back_minor=give_back_minor,
        corrected=correction is not None,
        catalog_prices=catalog_prices,
    )


def _right(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules
) -> tuple[Priced, tuple[int, ...]] | Unsettled | None:
    """What the rules make of an order at the rate that was promised; beside it the catalog's prices, where they have to
    be told to orders. None where a line has no tax rate.
    """
    got = [rules.promotions[code] for code in rules.got(order) if code in rules.promotions]
    correction = evidence.corrections.get(order.id)
    requoted = None if correction is not None else _requoted(evidence, order, lines, rules)
    if isinstance(requoted, Unsettled):
        return requoted
    catalog_prices, right_lines = requoted or ((), at_promised_rate(lines, correction))
    due = due_of(order, right_lines, rules, got)
    return None if due is None else (due, catalog_prices)


def _requoted(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules
) -> tuple[tuple[int, ...], list[OrderLineRow]] | Unsettled | None:
    """The catalog's prices of an order at another rate than payments promised, and its lines at the promised one."""
    pinned = evidence.conversions.get(order.id)
    quote = None if pinned is None else evidence.quotes.get(pinned.quote_id)
    if pinned is None or quote is None or quote.rate_nano == pinned.rate_nano:
        return None
    own, promised = (
        Rate(pinned.priced_in, order.currency, Fraction(nano, NANO)) for nano in (pinned.rate_nano, quote.rate_nano)
    )
    prices = _catalog_prices(order, lines, rules, own)
    if prices is None:
        return Unsettled(order.id, "charged at another rate than was promised, of prices that nobody knows")
    return prices, [
        msgspec.structs.replace(line, unit_price_minor=promised.converted(price))
        for line, price in zip(lines, prices, strict=True)
    ]


def _catalog_prices(order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, own: Rate) -> tuple[int, ...] | None:
    """What the catalog sold each line at that gives its price at the order's own rate; None where nothing does."""
    since = order.placed_at - REQUEST_S_MAX - PRICE_AGE_S_MAX
    found: list[int] = []
    for line in lines:
        prices = rules.prices(line.sku, own.source, after=since, before=order.placed_at)
        fitting = sorted(price for price in prices if own.converted(price) == line.unit_price_minor)
        if not fitting:
            return None
        found.append(fitting[-1])
    return tuple(found)


def _left_minor(evidence: Evidence) -> dict[str, int]:
    """By order, what is captured and neither asked back nor withheld."""
    left: dict[str, int] = defaultdict(int)
    for payment in evidence.audit.payments:
        if payment.status == "captured":
            left[payment.order_id] += payment.captured_minor
    for refund in evidence.audit.refunds:
        if refund.status != "failed":
            left[refund.order_id] -= refund.amount_minor
    for dispute in evidence.audit.disputes:
        if dispute.status != "won":
            left[dispute.order_id] -= dispute.amount_minor
    return {order_id: max(0, amount) for order_id, amount in left.items()}
