"""`repair charges`: what the provider took or kept that no order owes it, by its own journal.

The rule: of the captures of an order the one that payments booked as owed stays, every other goes back once. A refund
whose reason is `returned` was to give back everything: what it left follows. A capture that was booked and never made
is taken out of the books, and so is a refund. A webhook that the provider never sent is disowned. What no command can
mend is named for people: what went out beyond the capture is written down as owed by the customer and stays named.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import msgspec

from scenarios.checkers.dead_letters import PAYMENTS
from scenarios.checkers.effect_once import DISOWNED
from scenarios.checkers.ledger_balanced import REFUND_REVERSED
from scenarios.checkers.money_reconciles import RECEIVABLE
from scenarios.evidence import AuditTables
from scenarios.evidence.rows import PaymentRow
from scenarios.fleet import Fleet
from scenarios.history import RETURNED
from scenarios.money_text import money_text
from scenarios.quiescence import Quiescence, quiesce
from scenarios.repair import asking, recalls
from scenarios.repair.asking import Caller
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import PSP_JOURNAL, PspRecord, iterate

OPEN_PAYMENTS = frozenset({"pending", "processing", "unknown"})
"""Payments is at these itself."""
OPEN_REFUNDS = frozenset({"pending", "processing", "unknown"})
REASON = "ordered twice"
QUIESCE_S = 90.0
ROUNDS_MAX = 3
DISOWNED_AT_ONCE_MAX = 1_000


class OrderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one order needs; amounts in minor units of `currency`.

    `give_back` are payments of the provider that are refunded whole, `pay_back_minor` is what a full return left,
    `unbook_minor` is what was booked as captured and never was, `unrefund_minor` what was booked as paid back.
    `owe_minor` went out beyond the capture.
    """

    order_id: str
    payment_id: str
    currency: str
    give_back: tuple[str, ...] = ()
    give_back_minor: int = 0
    pay_back_minor: int = 0
    unbook_minor: int = 0
    unrefund_minor: int = 0
    owe_minor: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.give_back or self.pay_back_minor or self.unbook_minor or self.unrefund_minor or self.owe_minor)


class Unsettled(msgspec.Struct, frozen=True):
    """An order that people must look at, and why."""

    order_id: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be done. `settle` is what no command can undo.

    `recall` are standing orders that the operator names: their customers asked once and got them twice. `webhooks` are
    those stored that the provider never sent.
    """

    orders: tuple[OrderPlan, ...]
    recall: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    settle: tuple[Unsettled, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the fleet needs no repair of this kind."""
        return not (self.orders or self.recall or self.webhooks or self.settle)

    @property
    def money_minor(self) -> dict[str, int]:
        """What goes back to customers, by currency."""
        sums: Counter[str] = Counter()
        for order in self.orders:
            sums[order.currency] += order.give_back_minor + order.pay_back_minor
        return dict(sorted(sums.items()))


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did in all its rounds, how the fleet came to rest after the last, and what is left to do.

    `refused` are the orders that could not be repaired, each with what payments said; the others are done all the same.
    """

    rounds: int
    captures_returned: int
    captures_unbooked: int
    refunds_unbooked: int = 0
    debts_recorded: int = 0
    webhooks_disowned: int = 0
    returns_completed: int
    orders_recalled: int = 0
    refused: dict[str, str] = {}
    quiescence: Quiescence
    left: Plan


def plan(audit: AuditTables, journal: Sequence[PspRecord], recall: Collection[str] = ()) -> Plan:
    """What the provider's journal and the audit views say is to be undone, and the named orders. Pure.

    Raises OperatorError (order.unknown).
    """
    captures: dict[str, list[PspRecord]] = defaultdict(list)
    gone_back: Counter[str] = Counter()
    for line in journal:
        if line.kind == "capture":
            captures[line.merchant_reference].append(line)
        elif line.kind == "refund":
            gone_back[line.payment_id] += line.amount_minor
    payments = {row.order_id: row for row in audit.payments}
    of_nothing, unbooked = _refunds_of_nothing(audit), _unbooked_refunds(audit)
    busy = {row.order_id for row in audit.refunds if row.status in OPEN_REFUNDS}
    returned = {row.order_id for row in audit.refunds if row.reason == RETURNED and row.status == "succeeded"}
    plans: list[OrderPlan] = []
    settle: list[Unsettled] = []
    for order_id, payment in sorted(payments.items()):
        if order_id in busy or payment.status in OPEN_PAYMENTS:
            continue
        taken = captures.get(order_id, [])
        phantom_minor = _phantom_minor(taken, gone_back, payment, of_nothing_minor=of_nothing[order_id])
        if owe_minor := _owe_minor(taken, gone_back, payment, unbooked_minor=unbooked[order_id]):
            owing = OrderPlan(order_id=order_id, payment_id=payment.id, currency=payment.currency, owe_minor=owe_minor)
            plans.append(owing)
            continue
        if payment.overpaid_minor:
            owed = money_text(payment.overpaid_minor, payment.currency)
            settle.append(Unsettled(order_id, f"{owed} went out beyond what was captured; its customer owes that"))
        if reason := _beyond_repair(taken, gone_back, payment, phantom_minor=phantom_minor):
            settle.append(Unsettled(order_id, reason))
            continue
        made = _order_plan(taken, gone_back, payment, is_returned=order_id in returned, phantom_minor=phantom_minor)
        if not made.empty:
            plans.append(made)
    settle.extend(
        Unsettled(order_id, "captured for an order that payments does not know")
        for order_id in sorted(captures.keys() - payments.keys())
        if any(line.amount_minor > gone_back[line.payment_id] for line in captures[order_id])
    )
    return Plan(
        orders=tuple(plans),
        recall=recalls.standing(audit.orders, recall),
        webhooks=_from_nowhere(audit, journal),
        settle=tuple(settle),
    )


async def look(fleet: Fleet, recall: Collection[str] = ()) -> Plan:
    """The plan for the fleet as it stands. Raises OperatorError (order.unknown)."""
    snapshots = await take_snapshots(fleet.audit_urls())
    return plan(snapshots.tables, await asyncio.to_thread(_journal, fleet.layout.world), recall)


async def apply(fleet: Fleet, planned: Plan, *, since: float) -> Repaired:
    """Carry the plan out, and what the fleet shows at rest after it, until nothing is left; at most ROUNDS_MAX times.

    Each step is idempotent in payments: a capture goes back once, a refund has a key made of its payment and amount.
    `since` (epoch seconds) bounds the work to wait for.
    """
    captures: set[str] = set()
    unbooked: set[str] = set()
    unrefunded: set[str] = set()
    returns: set[str] = set()
    indebted: set[str] = set()
    disowned = 0
    taken_back: set[str] = set()
    refused: dict[str, str] = {}
    left, rounds = planned, 0
    while True:
        rounds += 1
        refused = await recalls.recall(fleet, left.recall, reason=REASON) | await carry_out(fleet, left)
        disowned += await _disown(fleet, left.webhooks)
        recalled = set(left.recall) - refused.keys()
        taken_back |= recalled
        done = [order for order in left.orders if order.order_id not in refused]
        captures |= {payment_id for order in done for payment_id in order.give_back}
        unbooked |= {order.order_id for order in done if order.unbook_minor}
        unrefunded |= {order.order_id for order in done if order.unrefund_minor}
        indebted |= {order.order_id for order in done if order.owe_minor}
        returns |= {order.order_id for order in done if order.pay_back_minor}
        rest = await quiesce(fleet, since=since, deadline_s=QUIESCE_S)
        left = await look(fleet, left.recall)
        if not (left.orders or left.recall) or not (done or recalled) or rounds == ROUNDS_MAX:
            break
    return Repaired(
        rounds=rounds,
        captures_returned=len(captures),
        captures_unbooked=len(unbooked),
        refunds_unbooked=len(unrefunded),
        debts_recorded=len(indebted),
        webhooks_disowned=disowned,
        returns_completed=len(returns),
        orders_recalled=len(taken_back),
        refused=refused,
        quiescence=rest,
        left=left,
    )


async def carry_out(fleet: Caller, planned: Plan) -> dict[str, str]:
    """Ask payments for each step, once however often it is asked; does not wait.

    Gives the orders that refused with their reasons: one that does stops none of the others.
    """
    return await asking.refused((order.order_id, partial(_repair, fleet, order)) for order in planned.orders)


async def _disown(fleet: Caller, webhooks: Sequence[str]) -> int:
    """Have payments note what the provider never sent; gives of how many that was news."""
    applied = 0
    for start in range(0, len(webhooks), DISOWNED_AT_ONCE_MAX):
        some = {"event_ids": webhooks[start : start + DISOWNED_AT_ONCE_MAX]}
        answer = await fleet.call(PAYMENTS, "POST", "/internal/webhooks/disown", json=some)
        applied += answer["applied"]
    return applied


async def _repair(fleet: Caller, order: OrderPlan) -> None:
    if order.owe_minor:
        await fleet.call("payments", "POST", f"/internal/payments/{order.order_id}/receivable")
    if order.unrefund_minor:
        await fleet.call("payments", "POST", f"/internal/payments/{order.order_id}/refund-reversals")
    if order.unbook_minor:
        await fleet.call("payments", "POST", f"/internal/payments/{order.order_id}/reversals")
    for psp_payment_id in order.give_back:
        path = f"/internal/payments/{order.order_id}/duplicates"
        await fleet.call("payments", "POST", path, json={"psp_payment_id": psp_payment_id})
    if order.pay_back_minor:
        await fleet.call(
            "payments",
            "POST",
            f"/api/v1/payments/{order.payment_id}/refunds",
            json={"reason": RETURNED},
            headers={"Idempotency-Key": f"repair-{order.payment_id}-{order.pay_back_minor}"},
        )


def _order_plan(
    taken: Sequence[PspRecord],
    gone_back: Counter[str],
    payment: PaymentRow,
    *,
    is_returned: bool,
    phantom_minor: int,
) -> OrderPlan:
    own = [line for line in taken if line.payment_id == payment.psp_payment_id]
    extra = [line for line in taken if line.payment_id != payment.psp_payment_id and not gone_back[line.payment_id]]
    kept_minor = sum(line.amount_minor - gone_back[line.payment_id] for line in own)
    return OrderPlan(
        order_id=payment.order_id,
        payment_id=payment.id,
        currency=payment.currency,
        give_back=tuple(line.payment_id for line in extra),
        give_back_minor=sum(line.amount_minor for line in extra),
        pay_back_minor=max(0, kept_minor) if is_returned else 0,
        unbook_minor=max(0, payment.captured_minor - sum(line.amount_minor for line in taken)) if own else 0,
        unrefund_minor=phantom_minor,
    )


def _phantom_minor(
    taken: Sequence[PspRecord], gone_back: Counter[str], payment: PaymentRow, *, of_nothing_minor: int
) -> int:
    """What is booked as paid back under no refund's id, where just that is what the provider did not pay back."""
    refunded_minor = sum(gone_back[line.payment_id] for line in taken) - payment.overpaid_minor
    return of_nothing_minor if payment.refunded_minor - of_nothing_minor == refunded_minor else 0


def _owe_minor(taken: Sequence[PspRecord], gone_back: Counter[str], payment: PaymentRow, *, unbooked_minor: int) -> int:
    """What went out beyond the capture: in refunds that no book has, and in those booked beyond it, as when a capture
    was booked twice; where just the former are what payments lacks.
    """
    captured_minor = sum(line.amount_minor for line in taken)
    refunded_minor = sum(gone_back[line.payment_id] for line in taken)
    lacks_just_them = refunded_minor == payment.refunded_minor + payment.overpaid_minor + unbooked_minor
    if refunded_minor <= captured_minor or not lacks_just_them:
        return 0
    return unbooked_minor + max(0, payment.refunded_minor - captured_minor)


def _beyond_repair(
    taken: Sequence[PspRecord], gone_back: Counter[str], payment: PaymentRow, *, phantom_minor: int
) -> str:
    """Why no command can bring the books of an order together; empty when one can, or nothing is wrong."""
    captured_minor = sum(line.amount_minor for line in taken)
    refunded_minor = sum(gone_back[line.payment_id] for line in taken) - payment.overpaid_minor
    reasons = (
        (any(line.currency != payment.currency for line in taken), f"captured in other money than {payment.currency}"),
        (refunded_minor > captured_minor, "more was paid back than was captured"),
        (payment.captured_minor > captured_minor == 0, "booked as captured, though nothing was"),
        (payment.refunded_minor - phantom_minor > refunded_minor, "booked as paid back though it was not"),
        (payment.refunded_minor - phantom_minor < refunded_minor, "paid back though nobody booked it"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _refunds_of_nothing(audit: AuditTables) -> Counter[str]:
    """By order, what the ledger has as paid back under the id of no refund and was not reversed."""
    refunds = {row.id for row in audit.refunds}
    found: Counter[str] = Counter()
    for entry in audit.ledger:
        if entry.account != RECEIVABLE:
            continue
        if entry.kind == REFUND_REVERSED or (entry.kind == "refund" and entry.transaction_id not in refunds):
            found[entry.order_id] -= entry.amount_minor
    return +found


def _unbooked_refunds(audit: AuditTables) -> Counter[str]:
    """By order, what went out in refunds that the ledger knows nothing of."""
    booked = {entry.transaction_id for entry in audit.ledger}
    found: Counter[str] = Counter()
    for row in audit.refunds:
        if row.status == "succeeded" and row.id not in booked:
            found[row.order_id] += row.amount_minor
    return found


def _from_nowhere(audit: AuditTables, journal: Sequence[PspRecord]) -> tuple[str, ...]:
    """Webhooks of payments that were stored and applied, and that the provider never sent."""
    sent = {line.event_id for line in journal if line.event_id}
    return tuple(
        row.event_id
        for row in audit.webhooks
        if row.service == PAYMENTS
        and row.event_id not in sent
        and row.applied_at is not None
        and row.outcome != DISOWNED
    )


def _journal(world: Path) -> list[PspRecord]:
    return list(iterate(world / PSP_JOURNAL, PspRecord))
