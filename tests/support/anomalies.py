"""Damage to plant in healthy evidence: each function spoils one thing, as a defect of that kind would.

`ANOMALIES` names for each the invariant that must turn red and the kind it must report.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from scenarios.checkers import Result, named
from scenarios.checkers.money_reconciles import RECEIVABLE, SALES
from scenarios.checkers.promises_kept import ready_at
from scenarios.evidence import CouponLimit, Evidence
from scenarios.evidence import rows as audit
from scenarios.evidence.logs import LogLine
from scenarios.history import Record
from scenarios.resilience import LOOK, SEARCH
from scenarios.world.journals import FAULT_HEADER, REASON_HEADER, ExchangeRecord, PspRecord
from tests.support.builders import rush
from tests.support.builders.fleet_rows import (
    COUNTRY,
    CURRENCY,
    HISTORY_ORIGIN_AT,
    LOAD_STARTED_AT,
    PRICE_MINOR,
    PRODUCT,
    SKU,
    SUBSCRIPTIONS,
    TOTAL_MINOR,
    WAREHOUSE,
    FleetRows,
    chained_hash,
    fixed_id,
)
from tests.support.builders.fleet_rows import TAX_MINOR as UNIT_TAX_MINOR

change = msgspec.structs.replace
PAID = fixed_id("order", 0)
OTHER = fixed_id("order", 5)
CANCELLED = fixed_id("order", 3)
REFUSED_BUYER = 15
TAX_MINOR = 1_532
HALF_NANO = 500_000_000
PROMISED_PRICE_MINOR, PROMISED_TAX_MINOR = 4_799, 912
"""119.98 at 0.4, and 19 % of it."""
PROMISED_MINOR = PROMISED_PRICE_MINOR + PROMISED_TAX_MINOR + 490
LATE_AT = LOAD_STARTED_AT + 1.5


def judged(evidence: Evidence, invariant: str) -> Result:
    """What one invariant's checker says."""
    (checker,) = named(invariant)
    return checker.check(evidence)


def where(rows: list[Any], **wanted: object) -> int:
    """The position of the first row with these values."""
    return next(
        index for index, row in enumerate(rows) if all(getattr(row, name) == value for name, value in wanted.items())
    )


def alter(rows: list[Any], changes: dict[str, object], **wanted: object) -> None:
    index = where(rows, **wanted)
    rows[index] = change(rows[index], **changes)


def drop(rows: list[Any], **wanted: object) -> None:
    del rows[where(rows, **wanted)]


def completion(evidence: Evidence, key: str, kind: str = "ok") -> int:
    return where(evidence.history, key=key, type=kind)


# INV-01


def movement_lost(evidence: Evidence) -> None:
    drop(evidence.audit.movements, reservation_id=PAID, type="commit")


def stock_overwritten(evidence: Evidence) -> None:
    alter(evidence.audit.stock, {"on_hand": 3}, sku=SKU)


def reserved_leaks(evidence: Evidence) -> None:
    alter(evidence.audit.stock, {"reserved": 1}, sku=SKU)


def commit_keeps_reserved(evidence: Evidence) -> None:
    alter(evidence.audit.movements, {"reserved_delta": 0}, reservation_id=PAID, type="commit")


def receipt_doubled(evidence: Evidence) -> None:
    opening = evidence.audit.movements[where(evidence.audit.movements, type="receive")]
    evidence.audit.movements.append(change(opening, id=fixed_id("receipt again")))
    alter(evidence.audit.stock, {"on_hand": 8}, sku=SKU)


def transfer_torn(evidence: Evidence) -> None:
    """Units left one warehouse for another and never arrived."""
    opening = evidence.audit.movements[where(evidence.audit.movements, type="receive")]
    sent = change(opening, id=fixed_id("sent"), type="transfer", on_hand_delta=-1, reference="t1")
    evidence.audit.movements.append(sent)
    alter(evidence.audit.stock, {"on_hand": evidence.audit.stock[0].on_hand - 1}, sku=SKU)


def returned_beyond_sale(evidence: Evidence) -> None:
    """A customer sent back more than was bought."""
    sold = evidence.audit.movements[where(evidence.audit.movements, reservation_id=PAID, type="commit")]
    back = change(sold, id=fixed_id("back"), type="restock", on_hand_delta=2, reserved_delta=0, reference="r1")
    evidence.audit.movements.append(back)
    alter(evidence.audit.stock, {"on_hand": evidence.audit.stock[0].on_hand + 2}, sku=SKU)


def sold_without_commit(evidence: Evidence) -> None:
    alter(evidence.audit.reservations, {"status": "held", "ended_at": None}, order_id=PAID)


# INV-02


def oversold(evidence: Evidence) -> None:
    """Buyers who were refused are told that they won; their orders stand."""
    oversell(evidence, (REFUSED_BUYER, REFUSED_BUYER + 1))


def oversell(evidence: Evidence, buyers: Iterable[int]) -> None:
    template = evidence.history[completion(evidence, "key-0")]
    for number in buyers:
        order_id = fixed_id("order", number)
        index = completion(evidence, f"key-{number}", "fail")
        record = evidence.history[index]
        evidence.history[index] = change(record, type="ok", error="", value={**template.value, "order_id": order_id})
        copy_order(evidence, order_id, number, placed_at=HISTORY_ORIGIN_AT + record.time_s)


def oversold_unseen(evidence: Evidence) -> None:
    """One order too many that no client was told of."""
    copy_order(evidence, fixed_id("order", 22), 22)


def copy_order(evidence: Evidence, order_id: str, number: int, *, placed_at: float = LATE_AT) -> None:
    original = evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    evidence.audit.orders.append(
        change(
            original,
            id=order_id,
            customer_id=fixed_id("customer", number),
            idempotency_key=f"key-{number}",
            placed_at=placed_at,
        )
    )
    evidence.audit.order_lines.append(audit.OrderLineRow(order_id, SKU, 1, PRICE_MINOR, PRICE_MINOR))


def negative_stock(evidence: Evidence) -> None:
    alter(evidence.audit.stock, {"on_hand": -1}, sku=SKU)


# INV-03


def undersold(evidence: Evidence) -> None:
    """A unit never sold though buyers were refused: its winner is refused too."""
    lost = fixed_id("order", 7)
    tables = evidence.audit
    for rows in (tables.orders, tables.reservations):
        index = where(rows, id=lost)
        del rows[index]
    index = completion(evidence, "key-7")
    evidence.history[index] = change(
        evidence.history[index], type="fail", error="insufficient_stock", value={"status_code": 409}
    )


def hold_forgotten(evidence: Evidence) -> None:
    evidence.audit.reservations.append(
        audit.ReservationRow(
            id=fixed_id("leak"),
            order_id=fixed_id("leak"),
            customer_id=fixed_id("customer", 20),
            status="held",
            sku=SKU,
            warehouse=WAREHOUSE,
            quantity=1,
            created_at=LOAD_STARTED_AT,
            expires_at=LOAD_STARTED_AT + 1,
        )
    )


def released_twice(evidence: Evidence) -> None:
    release = evidence.audit.movements[where(evidence.audit.movements, type="release")]
    evidence.audit.movements.append(change(release, id=fixed_id("release again")))


def restocked(evidence: Evidence, times: int) -> None:
    commit = evidence.audit.movements[where(evidence.audit.movements, type="commit")]
    evidence.audit.movements.extend(
        change(commit, id=fixed_id("restock", number), type="restock", on_hand_delta=1, reserved_delta=0)
        for number in range(times)
    )


def restocked_though_sold(evidence: Evidence) -> None:
    restocked(evidence, 1)


def restocked_twice(evidence: Evidence) -> None:
    restocked(evidence, 2)


def hold_not_released(evidence: Evidence) -> None:
    alter(evidence.audit.reservations, {"status": "held", "ended_at": None}, order_id=CANCELLED)


def held_for_nobody(evidence: Evidence) -> None:
    """A retry under a new id: its hold has time left, but no saga ever asked for it."""
    tables = evidence.audit
    hold = tables.reservations[where(tables.reservations, order_id=PAID)]
    tables.reservations.append(
        change(
            hold,
            id=fixed_id("orphan"),
            order_id=fixed_id("orphan"),
            status="held",
            pinned=False,
            ended_at=None,
            expires_at=evidence.facts.judged_at + 600.0,
        )
    )
    reserve = tables.movements[where(tables.movements, reservation_id=hold.id, type="reserve")]
    tables.movements.append(change(reserve, id=fixed_id("orphan move"), reservation_id=fixed_id("orphan")))


def held_twice(evidence: Evidence) -> None:
    hold = evidence.audit.reservations[where(evidence.audit.reservations, order_id=PAID)]
    evidence.audit.reservations.append(change(hold, id=fixed_id("second hold")))


# INV-04


def limit_broken(evidence: Evidence) -> None:
    """The buyer who came back for a second unit got it."""
    index = completion(evidence, "key-0-again", "fail")
    template = evidence.history[completion(evidence, "key-0")]
    evidence.history[index] = change(
        evidence.history[index],
        type="ok",
        error="",
        value={**template.value, "order_id": fixed_id("order", "second")},
    )


def coupon_overused(evidence: Evidence) -> None:
    evidence.facts.coupons.append(CouponLimit("TEN", total=1))
    for number in (0, 5, 6):
        index = completion(evidence, f"key-{number}", "invoke")
        invoke = evidence.history[index]
        evidence.history[index] = change(invoke, value={**invoke.value, "coupon": "TEN"})
        index = completion(evidence, f"key-{number}")
        answer = evidence.history[index]
        evidence.history[index] = change(answer, value={**answer.value, "discount_minor": 100})


# INV-05, INV-06, INV-07


def charge(evidence: Evidence, order_id: str, **changes: Any) -> None:
    line = PspRecord(
        n=len(evidence.journals.psp) + 1,
        at=LATE_AT,
        kind="capture",
        payment_id="psp-second",
        merchant_reference=order_id,
        amount_minor=TOTAL_MINOR,
        currency=CURRENCY,
        idempotency_key="another-key",
    )
    evidence.journals.psp.append(change(line, **changes))


def charged_twice(evidence: Evidence) -> None:
    charge(evidence, PAID)


def cancelled_but_charged(evidence: Evidence) -> None:
    charge(evidence, CANCELLED)


def charged_out_of_nothing(evidence: Evidence) -> None:
    charge(evidence, fixed_id("no such order"))


def paid_for_free(evidence: Evidence) -> None:
    drop(evidence.journals.psp, merchant_reference=PAID, kind="capture")


def refunded_too_much(evidence: Evidence) -> None:
    payment_id = evidence.journals.psp[where(evidence.journals.psp, merchant_reference=PAID, kind="capture")].payment_id
    for number in (1, 2):
        charge(
            evidence,
            "",
            kind="refund",
            payment_id=payment_id,
            merchant_reference=fixed_id("refund", number),
            payment_reference=PAID,
        )


def short_capture(evidence: Evidence) -> None:
    alter(evidence.journals.psp, {"amount_minor": TOTAL_MINOR - 1}, merchant_reference=PAID, kind="capture")


def other_currency(evidence: Evidence) -> None:
    alter(evidence.journals.psp, {"currency": "USD"}, merchant_reference=PAID, kind="capture")


def unbooked_capture(evidence: Evidence) -> None:
    evidence.audit.ledger[:] = [row for row in evidence.audit.ledger if row.order_id != PAID]


def refund_booked_twice(evidence: Evidence, amount_minor: int = 100) -> int:
    """One refund, booked under its id and under another; gives its amount."""
    tables = evidence.audit
    payment = tables.payments[where(tables.payments, order_id=PAID)]
    made = audit.RefundRow(
        id="refund-1", payment_id=payment.id, order_id=PAID, amount_minor=amount_minor, currency=CURRENCY,
        status="succeeded", reason="goodwill", psp_refund_id="re_1", created_at=LATE_AT,
    )  # fmt: skip
    tables.refunds.append(made)
    capture = evidence.journals.psp[where(evidence.journals.psp, merchant_reference=PAID, kind="capture")]
    given = {"kind": "refund", "amount_minor": amount_minor, "merchant_reference": made.id, "idempotency_key": ""}
    evidence.journals.psp.append(change(capture, payment_reference=PAID, **given))
    alter(tables.payments, {"refunded_minor": 2 * amount_minor}, order_id=PAID)
    for transaction_id in (made.id, "booked again"):
        for entry in [row for row in tables.ledger if row.order_id == PAID and row.kind == "capture"]:
            sign = -1 if entry.amount_minor > 0 else 1
            about = {"id": fixed_id(transaction_id, entry.account), "transaction_id": transaction_id, "kind": "refund"}
            tables.ledger.append(change(entry, amount_minor=sign * amount_minor, **about))
    return amount_minor


def refunded_beyond_the_capture(evidence: Evidence, times: int = 3) -> int:
    """The provider paid all of an order back so often, and the shop booked it once; gives what nobody booked."""
    tables = evidence.audit
    payment = tables.payments[where(tables.payments, order_id=PAID)]
    capture = evidence.journals.psp[where(evidence.journals.psp, merchant_reference=PAID, kind="capture")]
    for number in range(times):
        made = audit.RefundRow(
            id=f"refund-{number}", payment_id=payment.id, order_id=PAID, amount_minor=TOTAL_MINOR, currency=CURRENCY,
            status="succeeded", reason="goodwill", psp_refund_id=f"re_{number}", created_at=LATE_AT,
        )  # fmt: skip
        tables.refunds.append(made)
        given = {"kind": "refund", "merchant_reference": made.id, "idempotency_key": "", "payment_reference": PAID}
        evidence.journals.psp.append(change(capture, **given))
    for entry in [row for row in tables.ledger if row.order_id == PAID and row.kind == "capture"]:
        about = {"id": fixed_id("refund", entry.account), "transaction_id": "refund-0", "kind": "refund"}
        tables.ledger.append(change(entry, amount_minor=-entry.amount_minor, **about))
    alter(tables.payments, {"refunded_minor": TOTAL_MINOR}, order_id=PAID)
    alter(tables.orders, {"refunded_minor": TOTAL_MINOR, "status": "refunded"}, id=PAID)
    return (times - 1) * TOTAL_MINOR


def order_total_differs(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"total_minor": TOTAL_MINOR + 100}, id=PAID)


def unbalanced(evidence: Evidence) -> None:
    last = evidence.audit.ledger[-1]
    entry = change(last, amount_minor=last.amount_minor + 1, entry_hash="")
    evidence.audit.ledger[-1] = change(entry, entry_hash=chained_hash(entry))


def entry_altered(evidence: Evidence) -> None:
    alter(evidence.audit.ledger, {"account": "pocket"}, order_id=PAID, account="sales")


def entry_removed(evidence: Evidence) -> None:
    drop(evidence.audit.ledger, order_id=OTHER, account="sales")


def chain_forked(evidence: Evidence) -> None:
    second = evidence.audit.ledger[1]
    entry = change(second, id=fixed_id("forged"), amount_minor=0)
    evidence.audit.ledger.append(change(entry, entry_hash=chained_hash(entry)))


def chain_restarted(evidence: Evidence) -> None:
    entry = change(evidence.audit.ledger[0], id=fixed_id("forged"), amount_minor=0)
    evidence.audit.ledger.append(change(entry, entry_hash=chained_hash(entry)))


SWAPPED = {"psp_receivable": "sales", "sales": "psp_receivable"}


def saw_refunds_only(evidence: Evidence) -> None:
    """The ledger gives back what it never took."""
    for index, row in enumerate(evidence.audit.ledger):
        if row.order_id == PAID:
            evidence.audit.ledger[index] = change(row, kind="refund", account=SWAPPED[row.account])


def reposted(evidence: Evidence, order_id: str, **changes: dict[str, str]) -> None:
    """The entries of an order as if they had been posted otherwise, with every hash of the chain in order."""
    previous = evidence.audit.ledger[0].previous_hash
    for index, row in enumerate(evidence.audit.ledger):
        values: dict[str, Any] = {"previous_hash": previous, "entry_hash": ""}
        if row.order_id == order_id:
            values |= {name: said.get(getattr(row, name), getattr(row, name)) for name, said in changes.items()}
        entry = change(row, **values)
        previous = chained_hash(entry)
        evidence.audit.ledger[index] = change(entry, entry_hash=previous)


def accounts_swapped(evidence: Evidence) -> None:
    reposted(evidence, PAID, account=SWAPPED)


def account_unknown(evidence: Evidence) -> None:
    reposted(evidence, PAID, account={"sales": "pocket"})


def capture_booked_as_refund(evidence: Evidence) -> None:
    reposted(evidence, PAID, kind={"capture": "refund"})


# INV-09, INV-10


def order_lost(evidence: Evidence) -> None:
    drop(evidence.audit.orders, id=PAID)


def order_changed(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"total_minor": TOTAL_MINOR + 1}, id=PAID)


def line_doubled(evidence: Evidence) -> None:
    alter(evidence.audit.order_lines, {"quantity": 2}, order_id=PAID)


def order_from_nowhere(evidence: Evidence) -> None:
    copy_order(evidence, fixed_id("ghost"), 999)


def refused_but_stored(evidence: Evidence) -> None:
    copy_order(evidence, fixed_id("order", REFUSED_BUYER), REFUSED_BUYER)


def two_orders_for_key(evidence: Evidence) -> None:
    copy_order(evidence, fixed_id("order", "twin"), 0)


def two_answers(evidence: Evidence) -> None:
    index = completion(evidence, "key-2")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "answer_sha256": "another"})


def two_effects(evidence: Evidence) -> None:
    index = completion(evidence, "key-2")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "order_id": fixed_id("order", "twin")})


def mismatch_accepted(evidence: Evidence) -> None:
    index = completion(evidence, "key-2", "invoke")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "fingerprint": "body-2"})


def answer_of_another(evidence: Evidence) -> None:
    index = completion(evidence, "key-5")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "order_id": PAID})


# INV-11, INV-12


def saga_stuck(evidence: Evidence) -> None:
    alter(evidence.audit.sagas, {"status": "running", "ended_at": None}, order_id=PAID)


def customer_not_told(evidence: Evidence) -> None:
    drop(evidence.journals.smtp, order_id=CANCELLED)


def parcel_for_cancelled(evidence: Evidence) -> None:
    alter(evidence.audit.shipments, {"order_id": CANCELLED}, order_id=PAID)


def refused_but_held(evidence: Evidence) -> None:
    evidence.audit.reservations.append(
        change(
            evidence.audit.reservations[0],
            id=fixed_id("order", REFUSED_BUYER),
            order_id=fixed_id("order", REFUSED_BUYER),
            status="held",
        )
    )


def never_at_rest(evidence: Evidence) -> None:
    evidence.facts.quiesced_at = None


def jumped_to_shipped(evidence: Evidence) -> None:
    rows = evidence.audit.order_transitions
    drop(rows, order_id=PAID, to_status="paid")
    drop(rows, order_id=PAID, to_status="fulfilling")
    alter(rows, {"from_status": "reserved"}, order_id=PAID, to_status="shipped")


def status_without_history(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"status": "delivered"}, id=PAID)


def paid_without_stock(evidence: Evidence) -> None:
    drop(evidence.audit.reservations, order_id=PAID)


def sent_without_payment(evidence: Evidence) -> None:
    alter(evidence.audit.shipments, {"order_id": CANCELLED}, order_id=OTHER)


# INV-13, INV-14


def event_never_sent(evidence: Evidence) -> None:
    event_id = evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid")].id
    alter(evidence.audit.outbox, {"sent_at": None}, id=event_id)
    drop(evidence.journals.tap, event_id=event_id)


def event_lost_on_the_way(evidence: Evidence) -> None:
    event_id = evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid")].id
    drop(evidence.journals.tap, event_id=event_id)


def dual_write(evidence: Evidence) -> None:
    evidence.journals.tap.append(change(evidence.journals.tap[0], event_id=fixed_id("dual write"), offset=9_999))


def keyless(evidence: Evidence) -> None:
    alter(evidence.journals.tap, {"key": ""}, type="order.created")


def version_told_twice(evidence: Evidence) -> None:
    row = evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid")]
    evidence.audit.outbox.append(change(row, id=fixed_id("told again")))


def change_untold(evidence: Evidence) -> None:
    event_id = evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid", aggregate_id=PAID)].id
    drop(evidence.audit.outbox, id=event_id)


def duplicate_returned_untold(evidence: Evidence) -> None:
    ledger = evidence.audit.ledger
    captured = ledger[where(ledger, order_id=PAID, account=RECEIVABLE)]
    for kind, sign in (("capture_duplicate", 1), ("refund_duplicate", -1)):
        ledger.append(change(captured, kind=kind, amount_minor=sign * captured.amount_minor))


def applied_twice(evidence: Evidence) -> None:
    evidence.audit.inbox.append(evidence.audit.inbox[0])


def never_applied(evidence: Evidence) -> None:
    drop(evidence.audit.inbox, consumer="inventory", type="order.paid")


def applied_and_dead(evidence: Evidence) -> None:
    row = evidence.audit.inbox[0]
    evidence.audit.dead_letters.append(
        audit.DeadLetterRow(
            consumer=row.consumer,
            event_id=row.event_id,
            topic="orders.events",
            partition=0,
            offset_=0,
            reason="handler",
            attempts=5,
            parked=False,
            created_at=LATE_AT,
        )
    )


def phantom_event(evidence: Evidence) -> None:
    evidence.audit.inbox.append(change(evidence.audit.inbox[0], event_id=fixed_id("phantom")))


def two_parcels(evidence: Evidence) -> None:
    row = evidence.audit.shipments[0]
    evidence.audit.shipments.append(change(row, id=fixed_id("second parcel")))


# INV-17


def mailed_twice(evidence: Evidence) -> None:
    mail = evidence.journals.smtp[0]
    evidence.journals.smtp.append(change(mail, message_id="<again@shop.example>"))


def mailed_for_two_events(evidence: Evidence) -> None:
    mail = evidence.journals.smtp[0]
    evidence.journals.smtp.append(change(mail, message_id="<other@shop.example>", event_id=fixed_id("other event")))


def wrong_recipient(evidence: Evidence) -> None:
    evidence.journals.smtp[0] = change(evidence.journals.smtp[0], recipients=["stranger@example.com"])


def wrong_amount(evidence: Evidence) -> None:
    evidence.journals.smtp[0] = change(evidence.journals.smtp[0], amount="1.00 EUR")


def mail_lost(evidence: Evidence) -> None:
    drop(evidence.journals.smtp, template="order_shipped")


# what clients were told of cancellations and refunds


def told(evidence: Evidence, function: str, asked: dict[str, object], answer: dict[str, object], key: str) -> None:
    process = 10_000 + len(evidence.history)
    for kind, value in (("invoke", asked), ("ok", answer)):
        evidence.history.append(
            Record(len(evidence.history), 50.0, process, kind, function, key=key, value=value)  # type: ignore[arg-type]
        )


def cancel_forgotten(evidence: Evidence) -> None:
    told(evidence, "cancel_order", {"customer_id": "c", "order_id": PAID}, {"order_id": PAID}, "cancel-1")


def refund(evidence: Evidence, refund_id: str) -> None:
    told(
        evidence,
        "refund",
        {"order_id": PAID, "payment_id": "p", "customer_id": "c", "fingerprint": "b"},
        {"refund_id": refund_id, "status_code": 201},
        "refund-1",
    )


def refund_forgotten(evidence: Evidence) -> None:
    refund(evidence, "r-1")


def returned_without_tax(evidence: Evidence) -> None:
    """All was asked back; every book has the same smaller refund."""
    refund(evidence, "r-1")
    (captured,) = [row for row in evidence.journals.psp if row.kind == "capture" and row.merchant_reference == PAID]
    back = change(captured, kind="refund", amount_minor=captured.amount_minor - TAX_MINOR, payment_reference=PAID)
    evidence.journals.psp.append(back)
    alter(evidence.audit.payments, {"refunded_minor": back.amount_minor}, order_id=PAID)
    alter(evidence.audit.orders, {"refunded_minor": back.amount_minor}, id=PAID)
    for account, sign in ((RECEIVABLE, -1), (SALES, 1)):
        booked = evidence.audit.ledger[where(evidence.audit.ledger, order_id=PAID, account=account)]
        evidence.audit.ledger.append(change(booked, kind="refund", amount_minor=sign * back.amount_minor))


def refunded_twice_for_key(evidence: Evidence) -> None:
    refund(evidence, "r-1")
    refund(evidence, "r-2")


# prices in other money


def converted(evidence: Evidence) -> None:
    """The paid order was shown and placed at a quote of its own: its goods are priced in dollars at half a euro."""
    tables = evidence.audit
    quoted_at, quote_id = LOAD_STARTED_AT, fixed_id("quote")
    tables.prices.append(change(tables.prices[0], currency="USD", price_minor=2 * PRICE_MINOR))
    evidence.journals.exchange.append(
        ExchangeRecord(n=7, at=quoted_at, kind="quoted", base="USD", quote=CURRENCY, rate="0.500000")
    )
    pinned = audit.OrderConversionRow(
        order_id=PAID, quote_id=quote_id, priced_in="USD", rate_nano=HALF_NANO, expires_at=quoted_at + 300.0
    )
    tables.order_conversions.append(pinned)
    tables.conversion_quotes.append(
        audit.ConversionQuoteRow(
            id=quote_id, customer_id=tables.orders[where(tables.orders, id=PAID)].customer_id, from_currency="USD",
            to_currency=CURRENCY, rate_nano=HALF_NANO, exchange_rate_id="rate_7", quoted_at=quoted_at,
            expires_at=pinned.expires_at,
        )
    )  # fmt: skip
    for index, record in enumerate(evidence.history):
        if record.key == "key-0" and record.type == "invoke":
            evidence.history[index] = change(record, value={**record.value, "quote_id": quote_id})
    shown = {"quote_id": quote_id, "total_minor": TOTAL_MINOR, "currency": CURRENCY}
    told(evidence, "preview_order", {"customer_id": "c", "lines": [], "currency": CURRENCY}, shown, "")


def shown_less(evidence: Evidence) -> None:
    converted(evidence)
    index = where(evidence.history, function="preview_order", type="ok")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "total_minor": TOTAL_MINOR - 237})


def ordered_at_another_rate(evidence: Evidence) -> None:
    converted(evidence)
    alter(evidence.audit.order_conversions, {"rate_nano": HALF_NANO + 1}, order_id=PAID)


def promised_less(evidence: Evidence) -> None:
    """The order was shown at 0.4, which exchange and payments say, and is priced and charged at a half."""
    converted(evidence)
    tables = evidence.audit
    alter(tables.conversion_quotes, {"rate_nano": 400_000_000})
    evidence.journals.exchange[-1] = change(evidence.journals.exchange[-1], rate="0.400000")
    index = where(evidence.history, function="preview_order", type="ok")
    record = evidence.history[index]
    evidence.history[index] = change(record, value={**record.value, "total_minor": PROMISED_MINOR})


def corrected_rate(evidence: Evidence, **otherwise: object) -> None:
    """What the order costs at the promised rate stands beside it, or `otherwise`."""
    said: dict[str, object] = {
        "tax_minor": PROMISED_TAX_MINOR,
        "total_minor": PROMISED_MINOR,
        "difference_minor": TOTAL_MINOR - PROMISED_MINOR,
        "taxes": str(PROMISED_TAX_MINOR),
        "unit_prices": str(PROMISED_PRICE_MINOR),
        "rate_nano": 400_000_000,
    }
    corrected(evidence, **{**said, **otherwise})


def corrected_at_no_rate(evidence: Evidence) -> None:
    """The order is as it was promised; what stands beside it is at a rate that nobody named."""
    converted(evidence)
    corrected_rate(evidence)


def quoted_beside_the_exchange(evidence: Evidence) -> None:
    converted(evidence)
    alter(evidence.journals.exchange, {"rate": "0.510000"}, n=7)


def quote_of_another(evidence: Evidence) -> None:
    converted(evidence)
    alter(evidence.audit.conversion_quotes, {"customer_id": "somebody else"}, id=fixed_id("quote"))


def quote_of_nobody(evidence: Evidence) -> None:
    converted(evidence)
    evidence.audit.conversion_quotes.clear()


def quote_long_expired(evidence: Evidence) -> None:
    converted(evidence)
    alter(evidence.audit.conversion_quotes, {"expires_at": LOAD_STARTED_AT - 60.0}, id=fixed_id("quote"))


# the rest


def reserved_overwritten(evidence: Evidence) -> None:
    alter(evidence.audit.stock, {"reserved": 2}, sku=SKU)


def expired_yet_committed(evidence: Evidence) -> None:
    alter(evidence.audit.movements, {"type": "expire", "on_hand_delta": 0}, reservation_id=PAID, type="commit")


def saga_gave_up(evidence: Evidence) -> None:
    alter(evidence.audit.sagas, {"status": "failed"}, order_id=CANCELLED)


def saga_missing(evidence: Evidence) -> None:
    drop(evidence.audit.sagas, order_id=PAID)


def order_left_open(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"status": "reserved"}, id=PAID)


def misread_version(evidence: Evidence) -> None:
    alter(evidence.journals.tap, {"aggregate_version": 9}, type="order.paid")


def delivered_twice(evidence: Evidence) -> None:
    evidence.audit.deliveries.append(change(evidence.audit.deliveries[0], id=fixed_id("delivery again")))


# INV-08


def cent_too_much(evidence: Evidence) -> None:
    """Consistently a cent more on every unit: all of the shop's own figures agree."""
    tables = evidence.audit
    dearer = PRICE_MINOR + 1
    for index, line in enumerate(tables.order_lines):
        tables.order_lines[index] = change(line, unit_price_minor=dearer, line_total_minor=dearer)
    for index, order in enumerate(tables.orders):
        tables.orders[index] = change(order, subtotal_minor=dearer, total_minor=order.total_minor + 1)


def lines_lost(evidence: Evidence) -> None:
    drop(evidence.audit.order_lines, order_id=PAID)


def tax_of_nowhere(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"shipping_country": "XX"}, id=PAID)


def coupon_out_of_time(evidence: Evidence) -> None:
    alter(evidence.audit.coupons, {"valid_until": LOAD_STARTED_AT - 60}, code="TENTH")
    alter(evidence.audit.orders, {"coupon": "TENTH"}, id=PAID)


def promotion_out_of_time(evidence: Evidence) -> None:
    """Ended a minute before the load, and an order says that it got it."""
    evidence.audit.promotions.append(
        audit.PromotionRow(
            code="OVER", kind="percentage", priority=1, rate_bp=1, currency="CHF", valid_until=LOAD_STARTED_AT - 60
        )
    )
    evidence.audit.order_promotions.append(audit.OrderPromotionRow(PAID, "OVER"))


def promotion_withheld(evidence: Evidence) -> None:
    """In force since long before the load, and no order got it."""
    evidence.audit.promotions.append(audit.PromotionRow(code="TEN", kind="percentage", priority=1, rate_bp=1_000))


def tax_rounded_up(evidence: Evidence) -> None:
    order = evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    alter(evidence.audit.orders, {"tax_minor": order.tax_minor + 1, "total_minor": order.total_minor + 1}, id=PAID)


def corrected(evidence: Evidence, order_id: str = PAID, **otherwise: object) -> None:
    """An order's right price stands beside it, by the builder's own figures or `otherwise`."""
    order = evidence.audit.orders[where(evidence.audit.orders, id=order_id)]
    row = audit.PriceCorrectionRow(
        order_id=order_id,
        discount_minor=0,
        tax_minor=UNIT_TAX_MINOR,
        shipping_minor=order.shipping_minor,
        total_minor=TOTAL_MINOR,
        charged_minor=order.total_minor,
        difference_minor=order.total_minor - TOTAL_MINOR,
        discounts="0",
        taxes=str(UNIT_TAX_MINOR),
        corrected_at=LATE_AT,
    )
    evidence.audit.price_corrections.append(change(row, **otherwise))


def corrected_wrongly(evidence: Evidence) -> None:
    """The order was right before."""
    corrected(evidence, total_minor=TOTAL_MINOR - 1, difference_minor=1)


def difference_kept(evidence: Evidence) -> None:
    tax_rounded_up(evidence)
    corrected(evidence)


def tax_share_lost(evidence: Evidence) -> None:
    alter(evidence.audit.order_lines, {"tax_minor": 0}, order_id=PAID)


def tax_class_ignored(evidence: Evidence) -> None:
    """Taxed at the standard rate, and the shop's own figures agree; the catalog says that nothing is due."""
    alter(evidence.audit.variants, {"tax_class": "zero"}, sku=SKU)


def tax_class_pinned_and_ignored(evidence: Evidence) -> None:
    evidence.audit.tax_rates.append(audit.TaxRateRow(COUNTRY, "zero", 0))
    alter(evidence.audit.variants, {"tax_class": "zero"}, sku=SKU)
    for index, line in enumerate(evidence.audit.order_lines):
        evidence.audit.order_lines[index] = change(line, tax_class="zero")


def rate_lost(evidence: Evidence) -> None:
    evidence.audit.shipping_rates.clear()


def shipping_too_dear(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"shipping_minor": 491, "total_minor": TOTAL_MINOR + 1}, id=PAID)


def _of_paid(evidence: Evidence) -> str:
    deliveries = evidence.audit.order_deliveries
    return deliveries[where(deliveries, order_id=PAID)].quote_id


def never_quoted(evidence: Evidence) -> None:
    drop(evidence.audit.order_deliveries, order_id=PAID)


def quote_invented(evidence: Evidence) -> None:
    alter(evidence.audit.order_deliveries, {"quote_id": fixed_id("nothing")}, order_id=PAID)


def quoted_for_less(evidence: Evidence) -> None:
    alter(evidence.audit.shipping_quotes, {"goods": f"{SKU}:2", "loads": "1000:4375000"}, id=_of_paid(evidence))


def quoted_for_somebody_else(evidence: Evidence) -> None:
    alter(evidence.audit.shipping_quotes, {"customer_id": "somebody else"}, id=_of_paid(evidence))


def quote_out_of_time(evidence: Evidence) -> None:
    order = evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    late = {"customer_id": order.customer_id, "expires_at": order.placed_at - 60}
    alter(evidence.audit.shipping_quotes, late, id=_of_paid(evidence))
    alter(evidence.audit.order_deliveries, {"personal": True}, order_id=PAID)


def packed_lighter(evidence: Evidence) -> None:
    alter(evidence.audit.shipping_quotes, {"loads": "250:4375000"}, id=_of_paid(evidence))


def quoted_beside_the_rates(evidence: Evidence) -> None:
    alter(evidence.audit.shipping_rates, {"amount_minor": 500}, weight_g_max=1_000)


def sent_by_the_dearer_carrier(evidence: Evidence) -> None:
    first = evidence.audit.shipping_rates[0]
    evidence.audit.shipping_rates.append(change(first, carrier="swiftway", amount_minor=first.amount_minor - 1))


# INV-16


def order_uncounted(evidence: Evidence) -> None:
    drop(evidence.audit.order_facts, order_id=PAID)


def order_counted_twice(evidence: Evidence) -> None:
    fact = evidence.audit.order_facts[where(evidence.audit.order_facts, order_id=PAID)]
    alter(evidence.audit.order_facts, {"paid_minor": 2 * fact.paid_minor}, order_id=PAID)


def ghost_counted(evidence: Evidence) -> None:
    fact = evidence.audit.order_facts[0]
    evidence.audit.order_facts.append(change(fact, order_id=fixed_id("ghost")))


def revenue_counted_twice(evidence: Evidence) -> None:
    day = evidence.audit.revenue_daily[0]
    evidence.audit.revenue_daily[0] = change(day, orders=day.orders + 1, paid_minor=day.paid_minor + TOTAL_MINOR)


def index_overwritten(evidence: Evidence) -> None:
    alter(evidence.audit.index, {"price_minor": PRICE_MINOR - 100}, sku=SKU)


def index_lost_a_document(evidence: Evidence) -> None:
    evidence.audit.index.clear()


def index_never_written(evidence: Evidence) -> None:
    alter(evidence.audit.documents, {"indexed_version": 0}, product_id=PRODUCT)


# INV-15


def told_again(evidence: Evidence) -> None:
    """A second change of the product, told and applied; search kept the first."""
    row = evidence.audit.outbox[where(evidence.audit.outbox, type="product.upserted")]
    evidence.audit.outbox.append(change(row, id=fixed_id("second edit"), aggregate_version=2))


def product_never_projected(evidence: Evidence) -> None:
    evidence.audit.documents.clear()


def deleted_product_came_back(evidence: Evidence) -> None:
    alter(evidence.audit.outbox, {"type": "product.deleted"}, type="product.upserted")


# INV-18


def swallowed(evidence: Evidence) -> None:
    poison(evidence)
    drop(evidence.audit.dead_letters, consumer="inventory")


def refused_for_another_reason(evidence: Evidence) -> None:
    poison(evidence)
    alter(evidence.audit.dead_letters, {"reason": "handler_failed"}, consumer="inventory")


def left_dead(evidence: Evidence) -> None:
    event = evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid", aggregate_id=PAID)]
    drop(evidence.audit.inbox, consumer="inventory", event_id=event.id)
    evidence.audit.dead_letters.append(
        audit.DeadLetterRow(
            service="inventory",
            consumer="inventory",
            event_id=event.id,
            topic=event.topic,
            partition=0,
            offset_=900,
            reason="handler_failed",
            attempts=5,
            parked=False,
            created_at=LATE_AT,
        )
    )


def poison(evidence: Evidence) -> None:
    """A poison as a healthy fleet deals with it."""
    fleet = FleetRows(evidence.audit, evidence.journals)
    fleet.poisoned(LATE_AT)


def misread(evidence: Evidence, order_id: str) -> audit.AnnulmentRow:
    """Payments took an event of a newer release for an order; gives the annulment that would undo it.

    What was captured is booked, and orders cannot do anything with what payments tells of it.
    """
    event_id, payment_id = fixed_id("of a newer release"), fixed_id("payment of", order_id)
    tables = evidence.audit
    created = evidence.journals.tap[where(evidence.journals.tap, type="order.created")]
    headers = {FAULT_HEADER: "poison", REASON_HEADER: "newer_version"}
    about = {"event_id": event_id, "aggregate_id": "poison", "order_id": order_id, "headers": headers}
    evidence.journals.tap.append(change(created, key="poison", offset=9_000, **about))
    applied = tables.inbox[where(tables.inbox, consumer="payments", type="order.created")]
    tables.inbox.append(change(applied, event_id=event_id, aggregate_id="poison"))
    for consumer in SUBSCRIPTIONS:
        if consumer != "payments" and "order.created" in SUBSCRIPTIONS[consumer]:
            buried(evidence, consumer=consumer, event_id="", offset_=9_000, reason="newer_version")
    payment = tables.payments[where(tables.payments, order_id=PAID)]
    tables.payments.append(change(payment, id=payment_id, order_id=order_id))
    charge(evidence, order_id, idempotency_key=fixed_id("charged"))
    attempt = tables.payment_attempts[where(tables.payment_attempts, payment_id=payment.id)]
    attempted = {"id": fixed_id("charging"), "payment_id": payment_id, "idempotency_key": fixed_id("charged")}
    tables.payment_attempts.append(change(attempt, **attempted))
    fact = tables.order_facts[where(tables.order_facts, order_id=PAID)]
    tables.order_facts.append(change(fact, order_id=order_id))
    told = tables.outbox[where(tables.outbox, type="payment.processed")]
    tables.outbox.append(change(told, id=fixed_id("captured for nobody"), aggregate_id=payment_id, key=payment_id))
    published = evidence.journals.tap[where(evidence.journals.tap, event_id=told.id)]
    about = {"event_id": fixed_id("captured for nobody"), "aggregate_id": payment_id, "key": payment_id}
    evidence.journals.tap.append(change(published, offset=9_001, **about))
    counted = tables.inbox[where(tables.inbox, consumer="analytics", event_id=told.id)]
    tables.inbox.append(change(counted, event_id=about["event_id"], aggregate_id=payment_id))
    buried(evidence, consumer="orders", topic=told.topic, event_id=about["event_id"], offset_=9_001)
    return audit.AnnulmentRow(
        payment_id=payment_id, order_id=order_id, event_id=event_id, decided_by="operator", created_at=LATE_AT + 1
    )


def annulled_though_ordered(evidence: Evidence) -> None:
    payment = evidence.audit.payments[where(evidence.audit.payments, order_id=PAID)]
    evidence.audit.annulments.append(
        audit.AnnulmentRow(
            payment_id=payment.id, order_id=PAID, event_id="e", decided_by="operator", created_at=LATE_AT
        )
    )


# INV-25


def logged(evidence: Evidence, event: str, **fields: Any) -> None:
    about = {"level": "info", "service": "orders", "instance": "orders-1", **fields}
    evidence.logs.append(LogLine(at=LATE_AT, event=event, **about))


def answered_500(evidence: Evidence) -> None:
    logged(evidence, "request", status=500, method="POST", path="/api/v1/orders")


def breaker_opened(evidence: Evidence) -> None:
    logged(evidence, "breaker_opened", level="warning", target="payments")


def constraint_violated(evidence: Evidence) -> None:
    message = 'new row for relation "stock" violates check constraint "stock_reserved_check"'
    logged(evidence, "database_error", level="error", service="inventory", instance="postgres", message=message)


def deadlocked(evidence: Evidence) -> None:
    logged(evidence, "database_error", level="error", instance="postgres", message="deadlock detected")


def job_never_succeeds(evidence: Evidence) -> None:
    logged(evidence, "job_failed", level="error", job="send", failures=9, message="KeyError: 'x'")


def error_logged(evidence: Evidence) -> None:
    logged(evidence, "saga_attempt_failed", level="error", message="KeyError: 'x'")


# keys, stored answers, webhooks, copies without end


def charged_under_a_new_key(evidence: Evidence) -> None:
    """The answer was lost, and the repeat came under another key; the provider was kind."""
    line = evidence.journals.psp[where(evidence.journals.psp, merchant_reference=PAID, kind="capture")]
    evidence.journals.psp.append(change(line, kind="refused", idempotency_key="another-key"))


def charged_under_the_key_of_another(evidence: Evidence) -> None:
    key = evidence.journals.psp[where(evidence.journals.psp, merchant_reference=PAID, kind="capture")].idempotency_key
    for kind in ("authorise", "capture"):
        alter(evidence.journals.psp, {"idempotency_key": key}, merchant_reference=OTHER, kind=kind)


def key_stored_too_late(evidence: Evidence) -> None:
    payment_id = evidence.audit.payments[where(evidence.audit.payments, order_id=PAID)].id
    alter(evidence.audit.payment_attempts, {"idempotency_key": "made-up-later"}, payment_id=payment_id)


def key_left_in_flight(evidence: Evidence) -> None:
    alter(evidence.audit.idempotency, {"status": "in_flight", "completed_at": None}, key=f"key-{REFUSED_BUYER}")


def answer_of_a_lost_order(evidence: Evidence) -> None:
    alter(evidence.audit.idempotency, {"answer_status": 201}, key=f"key-{REFUSED_BUYER}")


def answer_not_stored(evidence: Evidence) -> None:
    drop(evidence.audit.idempotency, key="key-0")


def webhook_lost(evidence: Evidence) -> None:
    del evidence.audit.webhooks[0]


def webhook_forged(evidence: Evidence) -> None:
    row = evidence.audit.webhooks[0]
    evidence.audit.webhooks.append(change(row, event_id="evt_forged", service="payments"))


def webhook_disowned(evidence: Evidence) -> None:
    evidence.audit.webhooks[0] = change(evidence.audit.webhooks[0], outcome="disowned")


def webhook_never_settled(evidence: Evidence) -> None:
    row = evidence.audit.webhooks[0]
    evidence.audit.webhooks[0] = change(row, applied_at=None, outcome="")


def messaged_nobody(evidence: Evidence) -> None:
    sms = change(evidence.audit.deliveries[0], id=fixed_id("an SMS"), channel="sms", recipient="+353861234567")
    evidence.audit.deliveries.append(sms)


def mailed_without_end(evidence: Evidence) -> None:
    evidence.journals.smtp.extend([evidence.journals.smtp[0]] * 44)


# what the carrier took


def restocked_after_it_left(evidence: Evidence) -> None:
    restocked(evidence, 1)


def left_for_a_cancelled_order(evidence: Evidence) -> None:
    alter(evidence.journals.carrier, {"order_id": CANCELLED}, order_id=PAID, kind="handed_over")


def left_after_the_refund(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"status": "refunded", "refunded_minor": TOTAL_MINOR}, id=PAID)
    evidence.audit.order_transitions.append(
        audit.OrderTransitionRow(PAID, "paid", "refunded", LOAD_STARTED_AT - 1, "payments")
    )


def left_for_no_order(evidence: Evidence) -> None:
    alter(evidence.journals.carrier, {"order_id": fixed_id("ghost")}, order_id=PAID, kind="handed_over")


# what came out of order


def applied_backwards(evidence: Evidence) -> None:
    applied = [row for row in evidence.audit.inbox if row.consumer == "notifications" and row.aggregate_id == PAID]
    older, newer = sorted(applied, key=lambda row: row.aggregate_version)[:2]
    alter(evidence.audit.inbox, {"applied_at": newer.applied_at + 1}, consumer=older.consumer, event_id=older.event_id)


def fold_forgot_an_event(evidence: Evidence) -> None:
    alter(evidence.audit.order_facts, {"status": "paid"}, order_id=PAID)


def changes_lost(evidence: Evidence) -> None:
    """Two changes saw the same status, the later one overwrote the other."""
    evidence.audit.order_transitions.append(
        audit.OrderTransitionRow(PAID, "reserved", "cancelled", LOAD_STARTED_AT + 100)
    )


def changed_from_nowhere(evidence: Evidence) -> None:
    evidence.audit.order_transitions.append(
        audit.OrderTransitionRow(PAID, "delivered", "completed", LOAD_STARTED_AT + 100)
    )


def rechain(evidence: Evidence, rows: list[audit.LedgerRow]) -> None:
    """The same entries in this order, with hashes that fit."""
    previous = ""
    for index, row in enumerate(rows):
        linked = change(row, previous_hash=previous, entry_hash="")
        previous = chained_hash(linked)
        rows[index] = change(linked, entry_hash=previous)
    evidence.audit.ledger[:] = rows


def bookings_interleaved(evidence: Evidence) -> None:
    first, second, third, fourth, *rest = evidence.audit.ledger
    rechain(evidence, [first, third, second, fourth, *rest])


def booked_on_half_a_booking(evidence: Evidence) -> None:
    half, _, third, *_ = evidence.audit.ledger
    linked = change(third, previous_hash=half.entry_hash, entry_hash="")
    evidence.audit.ledger[2] = change(linked, entry_hash=chained_hash(linked))


def refused_at_the_opening(evidence: Evidence) -> None:
    """Before anybody held anything; later everything was sold."""
    invoke = evidence.history[completion(evidence, "key-0", "invoke")]
    about = {"process": 9_999, "key": "early", "value": {**invoke.value, "customer_id": fixed_id("early")}}
    evidence.history.append(change(invoke, **about, time_s=0.3))
    refused = {"type": "fail", "error": "insufficient_stock", "time_s": 0.4}
    evidence.history.append(change(invoke, **{**about, "value": {"status_code": 409}}, **refused))


# dead letters


def buried(evidence: Evidence, **changes: Any) -> None:
    """Analytics could not apply the first event of orders, whose letter is as it should be."""
    message = evidence.journals.tap[where(evidence.journals.tap, topic="orders.events")]
    letter = audit.DeadLetterRow(
        consumer="analytics",
        event_id=message.event_id,
        topic=message.topic,
        partition=message.partition,
        offset_=message.offset,
        reason="handler_failed",
        attempts=3,
        parked=False,
        created_at=message.at,
    )
    evidence.audit.dead_letters.append(change(letter, **changes))


def buried_again(evidence: Evidence) -> None:
    buried(evidence)
    buried(evidence)


def buried_without_a_word(evidence: Evidence) -> None:
    buried(evidence, reason="")


def buried_from_nowhere(evidence: Evidence) -> None:
    buried(evidence, offset_=77_777)


def redriven_for_nothing(evidence: Evidence) -> None:
    buried(evidence, redriven_at=LOAD_STARTED_AT + 50, event_id=fixed_id("never applied"))


def poison_lies_nowhere(evidence: Evidence) -> None:
    message = evidence.journals.tap[0]
    evidence.journals.tap.append(change(message, offset=8_888, event_id="", type="", undecodable=True))


def held_up_behind_poison(evidence: Evidence) -> None:
    buried(evidence)
    late = evidence.journals.tap[where(evidence.journals.tap, type="order.paid", aggregate_id=OTHER)]
    alter(evidence.audit.inbox, {"applied_at": late.at + 90}, consumer="analytics", event_id=late.event_id)


# INV-19, INV-20, INV-21, INV-22, INV-26


def loaded_by_everybody(evidence: Evidence) -> None:
    evidence.facts.figures["work"]["loads per product forgotten"] = 2.5


def never_came_back(evidence: Evidence) -> None:
    rush.unanswered(evidence, rush.SURGE_AT, rush.ENDED_AT, LOOK, SEARCH)


def came_back_late(evidence: Evidence) -> None:
    rush.unanswered(evidence, rush.SURGE_AT, rush.CALM_AT + 12.0, LOOK, SEARCH)


def asked_for_each(evidence: Evidence) -> None:
    evidence.facts.figures["queries"]["products: 20"] = 21.3


def saw_anothers_cart(evidence: Evidence) -> None:
    index = rush.between(evidence, rush.BASELINE_AT, rush.TROUBLE_AT, LOOK)[0]
    evidence.history[index] = change(evidence.history[index], type="fail", error="foreign_answer")


def began_another_trace(evidence: Evidence) -> None:
    alter(evidence.audit.orders, {"trace_id": "f" * 32}, id=next(iter(evidence.confirmed)))


def looked_in_vain_without_the_index(evidence: Evidence) -> None:
    rush.unanswered(evidence, rush.TROUBLE_AT, rush.SURGE_AT, LOOK)


def called_itself_ready(evidence: Evidence) -> None:
    for index in rush.between(evidence, rush.TROUBLE_AT, rush.SURGE_AT, ready_at("search")):
        evidence.history[index] = change(evidence.history[index], type="ok", error="")


# LOAD-01


def answered_slowly(evidence: Evidence) -> None:
    evidence.facts.figures["load"]["p95_ms"] = 50.5


ANOMALIES: tuple[tuple[Callable[[Evidence], None], str, str], ...] = (
    (told_again, "INV-15", "old_news_won"),
    (deleted_product_came_back, "INV-15", "old_news_won"),
    (product_never_projected, "INV-15", "never_projected"),
    (index_overwritten, "INV-16", "index_differs"),
    (index_lost_a_document, "INV-16", "index_differs"),
    (told_again, "INV-16", "index_differs"),
    (index_never_written, "INV-16", "index_behind"),
    (swallowed, "INV-18", "poison_not_set_aside"),
    (refused_for_another_reason, "INV-18", "poison_for_another_reason"),
    (left_dead, "INV-18", "event_left_dead"),
    (movement_lost, "INV-01", "on_hand_differs_from_movements"),
    (movement_lost, "INV-01", "commits_differ_from_movements"),
    (stock_overwritten, "INV-01", "on_hand_differs_from_movements"),
    (reserved_leaks, "INV-01", "reserved_differs_from_holds"),
    (commit_keeps_reserved, "INV-01", "illegal_movement"),
    (receipt_doubled, "INV-01", "receipts_differ_from_supply"),
    (transfer_torn, "INV-01", "transfer_torn"),
    (sold_without_commit, "INV-01", "committed_differs_from_sold"),
    (oversold, "INV-02", "confirmed_beyond_supply"),
    (oversold_unseen, "INV-02", "standing_beyond_supply"),
    (negative_stock, "INV-02", "negative_stock"),
    (undersold, "INV-03", "undersold"),
    (hold_forgotten, "INV-03", "hold_outlived_ttl"),
    (released_twice, "INV-03", "hold_ended_twice"),
    (restocked_twice, "INV-03", "restocked_twice"),
    (returned_beyond_sale, "INV-03", "restocked_twice"),
    (restocked_though_sold, "INV-03", "restocked_though_sold"),
    (movement_lost, "INV-03", "hold_ended_without_movement"),
    (hold_not_released, "INV-03", "hold_of_cancelled_order"),
    (sold_without_commit, "INV-03", "hold_of_paid_order"),
    (held_for_nobody, "INV-03", "hold_of_nobody"),
    (held_twice, "INV-03", "held_more_than_ordered"),
    (held_twice, "INV-03", "hold_without_movement"),
    (order_lost, "INV-03", "committed_without_order"),
    (paid_without_stock, "INV-03", "movement_without_hold"),
    (limit_broken, "INV-04", "limit_exceeded"),
    (coupon_overused, "INV-04", "coupon_overused"),
    (charged_twice, "INV-05", "captured_twice"),
    (cancelled_but_charged, "INV-05", "unpaid_but_captured"),
    (charged_out_of_nothing, "INV-05", "captured_without_order"),
    (paid_for_free, "INV-05", "paid_but_not_captured"),
    (refunded_too_much, "INV-05", "refunded_more_than_captured"),
    (short_capture, "INV-06", "provider_differs_from_payments"),
    (short_capture, "INV-06", "orders_differ_from_provider"),
    (other_currency, "INV-06", "currency_differs"),
    (annulled_though_ordered, "INV-05", "annulled_though_ordered"),
    (unbooked_capture, "INV-06", "payments_differs_from_ledger"),
    (order_total_differs, "INV-06", "orders_differ_from_provider"),
    (unbalanced, "INV-07", "transaction_unbalanced"),
    (entry_altered, "INV-07", "entry_altered"),
    (entry_removed, "INV-07", "entry_removed"),
    (chain_forked, "INV-07", "chain_forked"),
    (chain_restarted, "INV-07", "chain_restarted"),
    (saw_refunds_only, "INV-07", "refunded_below_floor"),
    (accounts_swapped, "INV-06", "payments_differs_from_ledger"),
    (accounts_swapped, "INV-07", "wrong_side"),
    (capture_booked_as_refund, "INV-06", "payments_differs_from_ledger"),
    (capture_booked_as_refund, "INV-07", "wrong_side"),
    (account_unknown, "INV-06", "ledger_differs_from_sales"),
    (account_unknown, "INV-07", "unknown_posting"),
    (order_lost, "INV-09", "acknowledged_order_missing"),
    (order_changed, "INV-09", "acknowledged_order_differs"),
    (line_doubled, "INV-09", "other_goods_than_asked"),
    (order_from_nowhere, "INV-09", "order_never_attempted"),
    (refused_but_stored, "INV-09", "refused_order_exists"),
    (two_orders_for_key, "INV-10", "two_orders_for_key"),
    (two_answers, "INV-10", "answers_differ"),
    (two_effects, "INV-10", "two_effects_for_key"),
    (mismatch_accepted, "INV-10", "mismatch_accepted"),
    (answer_of_another, "INV-10", "answer_of_another_key"),
    (saga_stuck, "INV-11", "saga_not_ended"),
    (customer_not_told, "INV-11", "customer_not_told"),
    (parcel_for_cancelled, "INV-11", "shipment_not_void"),
    (parcel_for_cancelled, "INV-11", "paid_without_shipment"),
    (refused_but_held, "INV-11", "refused_but_held"),
    (hold_not_released, "INV-11", "hold_not_released"),
    (cancelled_but_charged, "INV-11", "capture_not_undone"),
    (never_at_rest, "INV-11", "never_quiesced"),
    (jumped_to_shipped, "INV-12", "illegal_transition"),
    (jumped_to_shipped, "INV-12", "shipped_unpaid"),
    (status_without_history, "INV-12", "history_differs_from_status"),
    (paid_without_stock, "INV-12", "paid_without_stock"),
    (cancelled_but_charged, "INV-12", "cancelled_but_charged"),
    (sent_without_payment, "INV-12", "sent_without_payment"),
    (event_never_sent, "INV-13", "event_never_sent"),
    (event_lost_on_the_way, "INV-13", "event_not_on_broker"),
    (dual_write, "INV-13", "event_without_row"),
    (keyless, "INV-13", "wrong_key"),
    (version_told_twice, "INV-13", "version_told_twice"),
    (change_untold, "INV-13", "change_without_event"),
    (duplicate_returned_untold, "INV-13", "change_without_event"),
    (applied_twice, "INV-14", "applied_twice"),
    (never_applied, "INV-14", "never_applied"),
    (applied_and_dead, "INV-14", "applied_and_dead"),
    (phantom_event, "INV-14", "applied_but_never_published"),
    (two_parcels, "INV-14", "effect_twice"),
    (mailed_twice, "INV-17", "mailed_twice"),
    (mailed_for_two_events, "INV-17", "same_mail_again"),
    (wrong_recipient, "INV-17", "wrong_recipient"),
    (wrong_amount, "INV-17", "wrong_amount"),
    (mail_lost, "INV-17", "sent_but_never_arrived"),
    (cancel_forgotten, "INV-09", "acknowledged_cancel_lost"),
    (refund_forgotten, "INV-09", "acknowledged_refund_missing"),
    (returned_without_tax, "INV-06", "returned_in_part"),
    (refunded_twice_for_key, "INV-10", "two_effects_for_key"),
    (reserved_overwritten, "INV-01", "reserved_differs_from_movements"),
    (expired_yet_committed, "INV-03", "hold_ended_otherwise"),
    (saga_gave_up, "INV-11", "saga_failed"),
    (saga_missing, "INV-11", "order_without_saga"),
    (order_left_open, "INV-11", "order_still_open"),
    (misread_version, "INV-13", "event_differs_from_row"),
    (delivered_twice, "INV-17", "two_deliveries_for_event"),
    (messaged_nobody, "INV-17", "sent_but_never_arrived"),
    (mailed_without_end, "INV-17", "redelivered_without_end"),
    (restocked_after_it_left, "INV-01", "left_but_on_the_shelf"),
    (left_for_a_cancelled_order, "INV-01", "left_for_nobody"),
    (left_after_the_refund, "INV-01", "left_for_nobody"),
    (left_for_no_order, "INV-01", "parcel_of_nobody"),
    (cent_too_much, "INV-08", "price_differs"),
    (shown_less, "INV-06", "charged_otherwise_than_shown"),
    (ordered_at_another_rate, "INV-08", "rate_differs"),
    (corrected_at_no_rate, "INV-08", "corrected_otherwise_than_promised"),
    (quoted_beside_the_exchange, "INV-08", "rate_differs"),
    (quoted_beside_the_exchange, "INV-08", "price_differs"),
    (quote_of_another, "INV-08", "quote_differs"),
    (quote_of_nobody, "INV-08", "quote_differs"),
    (quote_long_expired, "INV-08", "quote_out_of_time"),
    (lines_lost, "INV-08", "order_without_lines"),
    (tax_of_nowhere, "INV-08", "no_tax_rate"),
    (coupon_out_of_time, "INV-08", "coupon_not_due"),
    (promotion_out_of_time, "INV-08", "promotion_not_due"),
    (promotion_withheld, "INV-08", "amount_differs"),
    (tax_rounded_up, "INV-08", "amount_differs"),
    (tax_share_lost, "INV-08", "share_differs"),
    (corrected_wrongly, "INV-08", "correction_differs"),
    (difference_kept, "INV-08", "difference_not_returned"),
    (tax_class_ignored, "INV-08", "tax_class_differs"),
    (tax_class_pinned_and_ignored, "INV-08", "amount_differs"),
    (rate_lost, "INV-08", "no_shipping_rate"),
    (shipping_too_dear, "INV-08", "shipping_differs"),
    (never_quoted, "INV-08", "not_quoted"),
    (quote_invented, "INV-08", "not_quoted"),
    (quoted_for_less, "INV-08", "quoted_for_another"),
    (quoted_for_somebody_else, "INV-08", "quoted_for_another"),
    (quote_out_of_time, "INV-08", "shipping_quote_out_of_time"),
    (packed_lighter, "INV-08", "packed_differently"),
    (quoted_beside_the_rates, "INV-08", "rate_not_kept"),
    (sent_by_the_dearer_carrier, "INV-08", "rate_not_kept"),
    (order_uncounted, "INV-16", "order_not_counted"),
    (order_counted_twice, "INV-16", "figures_differ"),
    (ghost_counted, "INV-16", "counted_without_order"),
    (revenue_counted_twice, "INV-16", "revenue_differs"),
    (answered_500, "INV-25", "unexpected_5xx"),
    (breaker_opened, "INV-25", "breaker_opened"),
    (constraint_violated, "INV-25", "constraint_violated"),
    (deadlocked, "INV-25", "database_error"),
    (job_never_succeeds, "INV-25", "job_keeps_failing"),
    (error_logged, "INV-25", "error_logged"),
    (charged_under_a_new_key, "INV-05", "several_keys"),
    (charged_under_the_key_of_another, "INV-05", "key_of_another"),
    (key_stored_too_late, "INV-05", "key_not_stored"),
    (key_left_in_flight, "INV-10", "key_left_in_flight"),
    (answer_of_a_lost_order, "INV-10", "stored_answer_without_order"),
    (answer_not_stored, "INV-10", "answer_not_stored"),
    (webhook_lost, "INV-14", "webhook_lost"),
    (webhook_forged, "INV-14", "webhook_from_nowhere"),
    (webhook_disowned, "INV-14", "webhook_disowned"),
    (webhook_never_settled, "INV-14", "webhook_not_settled"),
    (applied_backwards, "INV-15", "applied_out_of_order"),
    (fold_forgot_an_event, "INV-15", "projection_differs_from_events"),
    (buried_again, "INV-18", "buried_twice"),
    (buried_without_a_word, "INV-18", "buried_without_reason"),
    (buried_from_nowhere, "INV-18", "buried_from_nowhere"),
    (redriven_for_nothing, "INV-18", "redriven_not_applied"),
    (poison_lies_nowhere, "INV-18", "poison_not_buried"),
    (held_up_behind_poison, "INV-18", "held_up_behind"),
    (changes_lost, "INV-24", "g_single"),
    (changed_from_nowhere, "INV-24", "g1a"),
    (bookings_interleaved, "INV-24", "g0"),
    (booked_on_half_a_booking, "INV-24", "g1b"),
    (refused_at_the_opening, "INV-24", "refused_though_available"),
    (answered_slowly, "LOAD-01", "threshold_missed"),
    (loaded_by_everybody, "INV-19", "work_unbounded"),
    (never_came_back, "INV-20", "not_recovered"),
    (came_back_late, "INV-20", "recovered_late"),
    (asked_for_each, "INV-21", "queries_grow"),
    (saw_anothers_cart, "INV-22", "foreign_answer"),
    (began_another_trace, "INV-27", "trace_lost"),
    (looked_in_vain_without_the_index, "INV-26", "promise_broken"),
    (called_itself_ready, "INV-26", "health_lied"),
)
