"""For every rare state how its cause is planted in the evidence of a healthy sale, and how it is taken away again.

`CAUSES` pairs the state with both; the sale shows some states of itself, whose planting does nothing.
"""

from collections.abc import Callable
from typing import Any

from scenarios import rare_states
from scenarios.evidence import Evidence, FaultFired
from scenarios.evidence import rows as audit
from scenarios.history import Record
from scenarios.rare_states import RareState
from scenarios.resilience import CART, LOOK, PLACE_ORDER, SEARCH
from scenarios.world.journals import ExchangeRecord, PspRecord
from shared.contracts.catalog import PriceChanged
from tests.support.anomalies import CANCELLED, OTHER, PAID, alter, buried, change, converted, poison, where
from tests.support.builders import rush
from tests.support.builders.fleet_rows import LOAD_STARTED_AT, TOTAL_MINOR, fixed_id
from tests.support.builders.rush import with_rush

Spoil = Callable[[Evidence], None]
REFUND_MINOR = 500


def nothing(_: Evidence) -> None:
    """The healthy sale shows the state as it is."""


# clients


def buyers_alone(evidence: Evidence) -> None:
    """Everybody is answered at once."""
    completions = {record.process: record for record in evidence.history if record.type != "invoke"}
    for index, record in enumerate(evidence.history):
        if record.type != "invoke":
            continue
        end = completions[record.process]
        at = evidence.history.index(end)
        evidence.history[at] = change(end, time_s=record.time_s)
        evidence.history[index] = record


def refusals_renamed(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if record.type == "fail":
            evidence.history[index] = change(record, error="overloaded")


def answers_fresh(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if isinstance(record.value, dict) and record.value.get("replayed"):
            evidence.history[index] = change(record, value={**record.value, "replayed": False})


def supplied(units: int) -> Spoil:
    def set_supply(evidence: Evidence) -> None:
        evidence.facts.supply[:] = [change(step, quantity=units) for step in evidence.facts.supply]

    return set_supply


def attempt(evidence: Evidence, process: int, at_s: float, **fields: Any) -> None:
    """A whole operation of one second."""
    ending = {name: fields.pop(name) for name in ("type", "error", "answer") if name in fields}
    common = {"process": process, "function": "place_order", **fields}
    evidence.history.append(Record(0, at_s, type="invoke", **common))
    common["value"] = ending.pop("answer", None)
    evidence.history.append(Record(0, at_s + 1.0, **{"type": "ok", **ending}, **common))


def other_body_refused(evidence: Evidence) -> None:
    value = {"customer_id": "ann", "lines": []}
    attempt(evidence, 9_001, 9.0, key="k", type="fail", error="idempotency_key_reused", value=value)


def cart_merged_twice(evidence: Evidence) -> None:
    """And bought."""
    cart: dict[str, Any] = {"customer_id": "ann", "lines": []}
    for number in range(2):
        attempt(evidence, 9_001 + number, 8.0 + number, function="merge_cart", value=cart)
    wish = {**cart, "from_cart": True}
    attempt(evidence, 9_009, 11.0, key="cart", value=wish, answer={"status_code": 201, "order_id": PAID + "-cart"})


def merged_once(evidence: Evidence) -> None:
    evidence.history[:] = [record for record in evidence.history if record.process != 9_002]


def bought_without_cart(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if record.key == "cart" and record.type == "invoke":
            evidence.history[index] = change(record, value={**record.value, "from_cart": False})


def restocked(opening: int, later: int) -> Spoil:
    """Of what there was, so much came in later."""

    def step_in(evidence: Evidence) -> None:
        (first,) = evidence.facts.supply
        second = change(first, quantity=later, at=LOAD_STARTED_AT, done_at=LOAD_STARTED_AT, opening=False)
        evidence.facts.supply[:] = [change(first, quantity=opening), second]

    return step_in


def all_from_the_opening(evidence: Evidence) -> None:
    evidence.facts.supply[:] = [change(step, opening=True) for step in evidence.facts.supply]


def same_key_of_another(evidence: Evidence) -> None:
    for process, customer in ((9_001, "ann"), (9_002, "ben")):
        attempt(evidence, process, 9.0, key="shared", value={"customer_id": customer, "lines": []})


def customers_one(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if record.key == "shared" and record.type == "invoke":
            evidence.history[index] = change(record, value={"customer_id": "ann", "lines": []})


def attempts_apart(evidence: Evidence) -> None:
    """Each operation in an hour of its own, in the order of their beginnings."""
    hours: dict[int, float] = {}
    for index, record in enumerate(evidence.history):
        hour = hours.setdefault(record.process, 3_600.0 * len(hours))
        evidence.history[index] = change(record, time_s=hour + record.time_s / 1_000)


def all_answered(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if record.type == "info":
            evidence.history[index] = change(record, type="fail", error="insufficient_stock")


# holds and money


def holds_later(evidence: Evidence) -> None:
    for index, row in enumerate(evidence.audit.reservations):
        evidence.audit.reservations[index] = change(row, created_at=row.created_at + 3_600)


def holds_kept(evidence: Evidence) -> None:
    alter(evidence.audit.reservations, {"status": "committed"}, order_id=CANCELLED)


def holds_given(seconds: float) -> Spoil:
    """Every hold ran out so long after it was made."""

    def give(evidence: Evidence) -> None:
        evidence.audit.reservations[:] = [
            change(row, expires_at=row.created_at + seconds) for row in evidence.audit.reservations
        ]

    return give


def psp_line(kind: str, **fields: Any) -> Spoil:
    def plant(evidence: Evidence) -> None:
        evidence.journals.psp.append(PspRecord(n=9_000, at=LOAD_STARTED_AT + 1, kind=kind, **fields))

    return plant


def without(kind: str) -> Spoil:
    def take_away(evidence: Evidence) -> None:
        evidence.journals.psp[:] = [line for line in evidence.journals.psp if line.kind != kind]

    return take_away


def provider_deduplicates(evidence: Evidence) -> None:
    evidence.facts.psp_idempotency = True


def captured_order_cancelled(evidence: Evidence) -> None:
    evidence.audit.order_transitions.append(
        audit.OrderTransitionRow(PAID, "fulfilling", "cancelled", LOAD_STARTED_AT + 9, "buyer")
    )


refunded_in_part = psp_line("refund", payment_reference=PAID, amount_minor=REFUND_MINOR, currency="EUR")


def refunded_whole(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"discount_minor": 600}, id=PAID)
    psp_line("refund", payment_reference=PAID, amount_minor=TOTAL_MINOR, currency="EUR")(evidence)


def two_refunds(evidence: Evidence) -> None:
    for process, key in ((9_001, "one"), (9_002, "two")):
        value = {"order_id": PAID, "payment_id": "p"}
        attempt(evidence, process, 9.0 + process / 10_000, function="refund", key=key, value=value)


def refund_beyond(evidence: Evidence) -> None:
    value = {"order_id": PAID, "payment_id": "p"}
    attempt(evidence, 9_001, 9.0, function="refund", key="k", value=value, type="fail", error="refund_exceeds_capture")


def captured_in(currency: str) -> Spoil:
    return psp_line("capture", merchant_reference=fixed_id(currency), amount_minor=100, currency=currency)


def rate_moved(evidence: Evidence) -> None:
    """Between the quote and the order."""
    converted(evidence)
    placed_at = evidence.audit.orders[where(evidence.audit.orders, id=PAID)].placed_at
    quotes = evidence.audit.conversion_quotes
    quotes[0] = change(quotes[0], quoted_at=placed_at - 2.0)
    evidence.journals.exchange.append(ExchangeRecord(n=8, at=placed_at - 1.0, kind="changed", base="EUR", quote="USD"))


def rates_moved(seconds: float) -> Spoil:
    def move(evidence: Evidence) -> None:
        lines = evidence.journals.exchange
        lines[:] = [change(line, at=line.at + seconds) for line in lines]

    return move


def of_other_money(evidence: Evidence) -> None:
    alter(evidence.journals.exchange, {"quote": "JPY"}, kind="changed")


# webhooks


def webhook(kind: str, **changes: Any) -> Spoil:
    """Another line about the webhook of an order's payment."""

    def plant(evidence: Evidence) -> None:
        line = evidence.journals.psp[where(evidence.journals.psp, kind="webhook_sent", merchant_reference=PAID)]
        evidence.journals.psp.append(change(line, kind=kind, **changes))

    return plant


# faults and events


def struck(name: str, target: str, *, at: float = LOAD_STARTED_AT + 0.25) -> Spoil:
    def plant(evidence: Evidence) -> None:
        evidence.facts.faults.append(FaultFired(name, at, target, confirmed=True))

    return plant


def never(name: str) -> Spoil:
    def take_away(evidence: Evidence) -> None:
        evidence.facts.faults[:] = [fault for fault in evidence.facts.faults if fault.name != name]

    return take_away


def too_late(evidence: Evidence) -> None:
    """When everything was over."""
    evidence.facts.faults[:] = [change(fault, at=fault.at + 3_600) for fault in evidence.facts.faults]


def too_early(evidence: Evidence) -> None:
    """Before there was anything."""
    evidence.facts.faults[:] = [change(fault, at=fault.at - 3_600) for fault in evidence.facts.faults]


def written_twice(evidence: Evidence) -> None:
    evidence.journals.tap.append(change(evidence.journals.tap[0], offset=9_999))


def read_twice(evidence: Evidence) -> None:
    """By the tap, which is no duplicate of the event."""
    evidence.journals.tap[-1] = evidence.journals.tap[0]


def behind_a_newer_one(evidence: Evidence) -> None:
    created = where(evidence.journals.tap, type="order.created", aggregate_id=OTHER)
    evidence.journals.tap[created] = change(evidence.journals.tap[created], offset=9_999)


def versions_alike(evidence: Evidence) -> None:
    evidence.journals.tap[:] = [change(line, aggregate_version=1) for line in evidence.journals.tap]


def told_in_version(version: int) -> Spoil:
    """A change of prices, which has two versions."""

    def tell(evidence: Evidence) -> None:
        applied = {row.event_id for row in evidence.audit.inbox}
        first = next(n for n, line in enumerate(evidence.journals.tap) if line.event_id in applied)
        line = evidence.journals.tap[first]
        evidence.journals.tap[first] = change(line, type=PriceChanged.type, version=version)

    return tell


def letters_unread(evidence: Evidence) -> None:
    evidence.audit.dead_letters.clear()


def records_of_nobody(evidence: Evidence) -> None:
    """The same records, written by a service."""
    evidence.journals.tap[:] = [change(line, headers={}) for line in evidence.journals.tap]


def redriven(evidence: Evidence) -> None:
    buried(evidence, redriven_at=LOAD_STARTED_AT + 50)


def never_redriven(evidence: Evidence) -> None:
    evidence.audit.dead_letters[:] = [change(row, redriven_at=None) for row in evidence.audit.dead_letters]


def one_sent_last(evidence: Evidence) -> None:
    """The first event of a service becomes visible when all others were sent."""
    outbox = evidence.audit.outbox
    first = outbox.index(min((row for row in outbox if row.service == "orders"), key=lambda row: row.created_at))
    outbox[first] = change(outbox[first], sent_at=LOAD_STARTED_AT + 3_600)


def all_sent_at_once(evidence: Evidence) -> None:
    evidence.audit.outbox[:] = [change(row, sent_at=row.created_at) for row in evidence.audit.outbox]


# attacks

ATTACK_OUTCOME = {
    "probe": "sql-boolean",
    "reached": True,
    "statuses": {"200": 1, "400": 1, "401": 1, "403": 1, "404": 1, "429": 1},
}
ANSWERED_ATTACKS = (
    rare_states.ATTACK_UNREADABLE,
    rare_states.ATTACK_UNKNOWN,
    rare_states.ATTACK_FORBIDDEN,
    rare_states.ATTACK_FOUND_NOTHING,
    rare_states.ATTACK_SLOWED,
    rare_states.ATTACK_SERVED,
)


def attacked(evidence: Evidence) -> None:
    """All the time, and it came through."""
    end_s = max(record.time_s for record in evidence.history)
    common: dict[str, Any] = {"process": 9_001, "function": "attack", "key": "sql-boolean"}
    evidence.history.insert(0, Record(0, 0.0, type="invoke", **common))
    evidence.history.append(Record(0, end_s, type="fail", value=ATTACK_OUTCOME, **common))


def lost_on_the_way(evidence: Evidence) -> None:
    """The attack never came to where it was meant to."""
    for index, record in enumerate(evidence.history):
        if record.function == "attack" and record.type == "fail":
            evidence.history[index] = change(record, value={"probe": "sql-boolean"})


def answers_unheard(evidence: Evidence) -> None:
    """Every request of the attack ran into silence."""
    for index, record in enumerate(evidence.history):
        if record.function == "attack" and record.type == "fail":
            evidence.history[index] = change(record, value={**ATTACK_OUTCOME, "statuses": {"0": 6}})


def attacked_before_the_sale(evidence: Evidence) -> None:
    for index, record in enumerate(evidence.history):
        if record.function == "attack":
            evidence.history[index] = change(record, time_s=0.0)


# a day with a trigger


def rushed(evidence: Evidence) -> None:
    """A day of visitors after the sale: every second somebody opens a cart, and somebody orders."""
    day = with_rush(evidence)
    evidence.facts.course = day.facts.course
    evidence.history[:] = day.history
    process = max(record.process for record in evidence.history)
    for second in range(round(rush.ENDED_AT - rush.BASELINE_AT)):
        for function in (CART, PLACE_ORDER):
            process += 1
            rush.ask(evidence.history, process, function, at=rush.BASELINE_AT + second + 0.5, error="overloaded")


def silent(from_at: float, until_at: float, *journeys: str) -> Spoil:
    """Who came for this then never heard anything."""

    def spoil(evidence: Evidence) -> None:
        rush.unanswered(evidence, from_at, until_at, *journeys)

    return spoil


IN_TROUBLE = (
    (rare_states.LOOKED_IN_TROUBLE, LOOK),
    (rare_states.SEARCHED_IN_TROUBLE, SEARCH),
    (rare_states.CART_IN_TROUBLE, CART),
    (rare_states.ORDERED_IN_TROUBLE, PLACE_ORDER),
)
AFTER = (
    (rare_states.LOOKED_AFTER, LOOK),
    (rare_states.SEARCHED_AFTER, SEARCH),
    (rare_states.CART_AFTER, CART),
    (rare_states.ORDERED_AFTER, PLACE_ORDER),
)


CAUSES: tuple[tuple[RareState, Spoil, Spoil], ...] = (
    (rare_states.LAST_UNIT_RACED, nothing, buyers_alone),
    (rare_states.LAST_UNIT_RACED, nothing, supplied(100)),
    (rare_states.SOLD_OUT_REFUSED, nothing, refusals_renamed),
    (rare_states.SOLD_AGAIN, supplied(1), supplied(100)),
    (rare_states.RESTOCK_SOLD, restocked(5, 3), all_from_the_opening),
    (rare_states.RESTOCK_SOLD, restocked(5, 3), supplied(100)),
    (rare_states.CART_MERGED_AGAIN, cart_merged_twice, merged_once),
    (rare_states.CART_MERGED_AGAIN, cart_merged_twice, bought_without_cart),
    (rare_states.LIMIT_REFUSED, nothing, refusals_renamed),
    (rare_states.BOTH_CLICKS_RACED, nothing, attempts_apart),
    (rare_states.STORED_ANSWER_REPEATED, nothing, answers_fresh),
    (rare_states.KEY_REUSED, other_body_refused, refusals_renamed),
    (rare_states.EQUAL_KEYS_OF_TWO, same_key_of_another, customers_one),
    (rare_states.ANSWER_LOST, nothing, all_answered),
    (rare_states.DECLINED_AFTER_HOLD, nothing, without("decline")),
    (rare_states.DECLINED_AFTER_HOLD, nothing, holds_later),
    (rare_states.HOLD_GIVEN_BACK, nothing, holds_kept),
    (rare_states.HOLD_OUTLIVED, holds_given(0.0), holds_given(600.0)),
    (rare_states.CHARGE_IN_DOUBT, psp_line("withheld"), without("withheld")),
    (rare_states.PROVIDER_BLIND, nothing, provider_deduplicates),
    (rare_states.PROVIDER_BLIND, nothing, without("capture")),
    (rare_states.CANCELLED_AFTER_CHARGE, captured_order_cancelled, without("capture")),
    (rare_states.PARTLY_REFUNDED, refunded_in_part, without("refund")),
    (rare_states.RETURNED_WHOLE, refunded_whole, without("refund")),
    (rare_states.REFUNDS_RACED, two_refunds, attempts_apart),
    (rare_states.REFUND_REFUSED, refund_beyond, refusals_renamed),
    (rare_states.NO_DECIMALS, captured_in("JPY"), without("capture")),
    (rare_states.THREE_DECIMALS, captured_in("KWD"), without("capture")),
    (rare_states.RATE_CHANGED_IN_CHECKOUT, rate_moved, rates_moved(3_600.0)),
    (rare_states.RATE_CHANGED_IN_CHECKOUT, rate_moved, rates_moved(-3_600.0)),
    (rare_states.RATE_CHANGED_IN_CHECKOUT, rate_moved, of_other_money),
    (rare_states.RATE_CHANGED_IN_CHECKOUT, rate_moved, without("capture")),
    (rare_states.WEBHOOK_BEFORE_ANSWER, webhook("webhook_sent", early=True), without("webhook_sent")),
    (rare_states.WEBHOOK_AGAIN, webhook("webhook_sent", copy=2), without("webhook_sent")),
    (rare_states.WEBHOOK_REFUSED_FIRST, webhook("webhook_failed"), without("webhook_failed")),
    (rare_states.WEBHOOK_REFUSED_FIRST, webhook("webhook_failed"), without("webhook_sent")),
    (rare_states.KILLED_IN_SAGA, struck("kill", "inventory-1"), never("kill")),
    (rare_states.KILLED_IN_SAGA, struck("kill", "inventory-1"), too_late),
    (rare_states.PAUSED_IN_SAGA, nothing, never("pause")),
    (rare_states.PAUSED_IN_SAGA, nothing, too_late),
    (rare_states.KILLED_IN_CHARGE, struck("kill", "payments-1"), never("kill")),
    (rare_states.KILLED_IN_CHARGE, struck("kill", "payments-1"), too_late),
    (rare_states.READ_AGAIN, struck("rewind", "payments", at=LOAD_STARTED_AT + 2), never("rewind")),
    (rare_states.READ_AGAIN, struck("rewind", "payments", at=LOAD_STARTED_AT + 2), too_early),
    (rare_states.EVENT_TWICE, written_twice, read_twice),
    (rare_states.EVENTS_REORDERED, behind_a_newer_one, versions_alike),
    (rare_states.COMMITTED_LATE, one_sent_last, all_sent_at_once),
    (rare_states.FORMER_VERSION, told_in_version(1), told_in_version(2)),
    (rare_states.POISON_REFUSED, poison, letters_unread),
    (rare_states.POISON_REFUSED, poison, records_of_nobody),
    (rare_states.LETTER_REDRIVEN, redriven, never_redriven),
    (rare_states.ATTACK_REACHED, attacked, lost_on_the_way),
    (rare_states.SOLD_UNDER_ATTACK, attacked, attacked_before_the_sale),
    *((state, attacked, answers_unheard) for state in ANSWERED_ATTACKS),
    *((state, rushed, silent(rush.TROUBLE_AT, rush.CALM_AT, journey)) for state, journey in IN_TROUBLE),
    *((state, rushed, silent(rush.CALM_AT, rush.ENDED_AT, journey)) for state, journey in AFTER),
)
