"""What `repair charges` would give back, and what it must leave alone or to people."""

from typing import Any

import pytest

from scenarios.evidence import Evidence
from scenarios.evidence import rows as audit
from scenarios.fleet import FleetRefusedError
from scenarios.quiescence import Quiescence
from scenarios.repair import charges
from scenarios.repair.charges import OrderPlan, Plan, plan
from tests.support.anomalies import (
    CANCELLED,
    PAID,
    TAX_MINOR,
    alter,
    change,
    charged_twice,
    drop,
    returned_without_tax,
    where,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import CURRENCY, TOTAL_MINOR

SECOND = "psp-second"


def planned(evidence: Evidence) -> Plan:
    return plan(evidence.audit, evidence.journals.psp)


def captured_again(evidence: Evidence, order_id: str = PAID, **changes: Any) -> None:
    lines = evidence.journals.psp
    first = lines[where(lines, kind="capture")]
    lines.append(change(first, payment_id=SECOND, merchant_reference=order_id, **changes))


def went_back(evidence: Evidence, payment_id: str, amount_minor: int) -> None:
    captured = evidence.journals.psp[where(evidence.journals.psp, payment_id=payment_id, kind="capture")]
    evidence.journals.psp.append(change(captured, kind="refund", amount_minor=amount_minor))


def only(evidence: Evidence) -> OrderPlan:
    made = planned(evidence)
    assert made.settle == ()
    (order,) = made.orders
    return order


def test_a_shop_that_charged_once_needs_nothing() -> None:
    assert planned(FlashSale().evidence()).empty


def test_the_capture_that_payments_did_not_book_goes_back() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    captured_again(evidence)
    made = only(evidence)
    assert SECOND in made.give_back
    assert made.give_back_minor == TOTAL_MINOR * len(made.give_back)
    assert made.pay_back_minor == 0
    assert planned(evidence).money_minor == {CURRENCY: made.give_back_minor}


def test_what_went_back_already_goes_back_no_more() -> None:
    evidence = FlashSale().evidence()
    captured_again(evidence)
    went_back(evidence, SECOND, TOTAL_MINOR)
    alter(
        evidence.audit.payments,
        {"captured_minor": 2 * TOTAL_MINOR, "refunded_minor": TOTAL_MINOR},
        order_id=PAID,
    )
    assert planned(evidence).empty


def test_money_of_an_order_that_is_off_goes_back() -> None:
    evidence = FlashSale().evidence()
    captured_again(evidence, CANCELLED)
    made = only(evidence)
    assert (made.order_id, made.give_back) == (CANCELLED, (SECOND,))


def test_a_full_return_that_left_the_tax_is_completed() -> None:
    evidence = FlashSale().evidence()
    returned_without_tax(evidence)
    assert planned(evidence).empty, "no refund says that everything was to go back"
    row = audit.RefundRow(
        id="r", payment_id=only_payment(evidence).id, order_id=PAID, amount_minor=TOTAL_MINOR - TAX_MINOR,
        currency=CURRENCY, status="succeeded", reason="returned", created_at=1.0,
    )  # fmt: skip
    evidence.audit.refunds.append(row)
    made = only(evidence)
    assert (made.order_id, made.give_back, made.pay_back_minor) == (PAID, (), TAX_MINOR)
    evidence.audit.refunds[-1] = change(row, status="processing")
    assert planned(evidence).empty, "payments is at it"


def test_a_payment_under_way_is_left_to_payments() -> None:
    evidence = FlashSale().evidence()
    captured_again(evidence)
    alter(evidence.audit.payments, {"status": "unknown"}, order_id=PAID)
    assert planned(evidence).empty


def test_a_capture_that_was_booked_and_never_made_is_taken_out_of_the_books() -> None:
    evidence = FlashSale().evidence()
    alter(evidence.audit.payments, {"captured_minor": 2 * TOTAL_MINOR}, order_id=PAID)
    made = only(evidence)
    assert (made.order_id, made.unbook_minor, made.give_back, made.pay_back_minor) == (PAID, TOTAL_MINOR, (), 0)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"refunded_minor": 1}, "booked as paid back though it was not"),
        ({"currency": "USD"}, "captured in other money than USD"),
    ],
    ids=["refunded", "currency"],
)
def test_books_that_say_more_than_the_provider_are_for_people(figures: dict[str, Any], reason: str) -> None:
    evidence = FlashSale().evidence()
    alter(evidence.audit.payments, figures, order_id=PAID)
    made = planned(evidence)
    assert (made.orders, [(one.order_id, one.reason) for one in made.settle]) == ((), [(PAID, reason)])
    assert not made.empty


@pytest.mark.parametrize(
    ("amount_minor", "reason"),
    [(TOTAL_MINOR + 1, "more was paid back than was captured"), (1, "paid back though nobody booked it")],
    ids=["too much", "unbooked"],
)
def test_money_that_left_unbooked_is_for_people(amount_minor: int, reason: str) -> None:
    evidence = FlashSale().evidence()
    went_back(evidence, only_payment(evidence).psp_payment_id, amount_minor)
    assert [(one.order_id, one.reason) for one in planned(evidence).settle] == [(PAID, reason)]


def test_a_capture_for_an_order_nobody_knows_is_for_people_until_it_went_back() -> None:
    evidence = FlashSale().evidence()
    captured_again(evidence, "nobody")
    assert [one.order_id for one in planned(evidence).settle] == ["nobody"]
    went_back(evidence, SECOND, TOTAL_MINOR)
    assert planned(evidence).empty


async def test_an_order_that_payments_refuses_stops_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [OrderPlan(order_id=name, payment_id=f"p-{name}", currency="EUR", give_back=(name,)) for name in "ab"]
    called: list[str] = []

    class Fleet:
        async def call(self, _service: str, _method: str, path: str, **_options: Any) -> None:
            called.append(path)
            if "/a/" in path:
                raise FleetRefusedError("payments", path, status=409, content=b'{"code":"not_a_duplicate"}')

    async def rest(*_: object, **__: object) -> Quiescence:
        return Quiescence(reached=True, after_s=0.0, waits_for={})

    async def look(_: object, _recall: object) -> Plan:
        return Plan(orders=(plans[0],))

    monkeypatch.setattr(charges, "quiesce", rest)
    monkeypatch.setattr(charges, "look", look)
    done = await charges.apply(Fleet(), Plan(orders=tuple(plans)), since=0.0)  # type: ignore[arg-type]
    assert called[:2] == ["/internal/payments/a/duplicates", "/internal/payments/b/duplicates"]
    assert (done.captures_returned, list(done.refused), done.rounds) == (1, ["a"], 2)


def only_payment(evidence: Evidence) -> audit.PaymentRow:
    return evidence.audit.payments[where(evidence.audit.payments, order_id=PAID)]


def test_a_payment_that_is_lost_leaves_its_capture_to_people() -> None:
    evidence = FlashSale().evidence()
    drop(evidence.audit.payments, order_id=PAID)
    assert [one.reason for one in planned(evidence).settle] == ["captured for an order that payments does not know"]
