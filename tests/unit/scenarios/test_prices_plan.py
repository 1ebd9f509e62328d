"""Which prices `repair charges` sets right, what goes back of them, and what the judge makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from scenarios.checkers import Outcome
from scenarios.drilling import draw
from scenarios.drilling.truth import truth_of
from scenarios.drills import scenario
from scenarios.evidence import Evidence
from scenarios.evidence import rows as audit
from scenarios.fleet import FleetRefusedError
from scenarios.repair import prices
from scenarios.repair.prices import OrderPlan, Plan
from scenarios.verdict import judge
from shared.contracts.payments import PRICE_CORRECTION
from tests.support.anomalies import (
    CANCELLED,
    LATE_AT,
    OTHER,
    PAID,
    alter,
    change,
    corrected,
    corrected_wrongly,
    judged,
    tax_rounded_up,
    where,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import CURRENCY, TOTAL_MINOR

RIGHT = "INV-08"


def mispriced(by_minor: int, order_id: str = PAID, *, repaired: bool = False) -> Evidence:
    """An order that was taxed so much too much, and paid so."""
    evidence = FlashSale().evidence()
    evidence.facts.repaired = repaired
    orders = evidence.audit.orders
    order = orders[where(orders, id=order_id)]
    more = {"tax_minor": order.tax_minor + by_minor, "total_minor": order.total_minor + by_minor}
    alter(orders, more, id=order_id)
    (line,) = (line for line in evidence.audit.order_lines if line.order_id == order_id)
    alter(evidence.audit.order_lines, {"tax_minor": line.tax_minor + by_minor}, order_id=order_id)
    if order_id != CANCELLED:
        alter(evidence.audit.payments, {"captured_minor": TOTAL_MINOR + by_minor}, order_id=order_id)
        journal = evidence.journals.psp
        capture = where(journal, kind="capture", merchant_reference=order_id)
        journal[capture] = change(journal[capture], amount_minor=TOTAL_MINOR + by_minor)
    return evidence


def gave_back(evidence: Evidence, amount_minor: int, *, reason: str = PRICE_CORRECTION, **more: Any) -> None:
    """By payments' word and by the provider's."""
    journal = evidence.journals.psp
    capture = journal[where(journal, kind="capture", merchant_reference=PAID)]
    row = audit.RefundRow(
        id=f"refund-{reason}", payment_id="p", order_id=PAID, amount_minor=amount_minor, currency=CURRENCY,
        status="succeeded", reason=reason, created_at=LATE_AT,
    )  # fmt: skip
    row = change(row, **more)
    evidence.audit.refunds.append(row)
    if row.status == "succeeded":
        journal.append(change(capture, kind="refund", amount_minor=amount_minor, payment_reference=PAID))


def plan(evidence: Evidence) -> Plan:
    """Of the evidence as it is now: it remembers what was looked up."""
    return prices.plan(replace(evidence))


def only(evidence: Evidence) -> OrderPlan:
    made = plan(evidence)
    assert made.settle == ()
    (order,) = made.orders
    return order


def test_a_shop_that_priced_by_the_rules_needs_nothing() -> None:
    assert plan(FlashSale().evidence()).empty


def test_what_was_too_much_goes_back() -> None:
    evidence = mispriced(3)
    assert only(evidence) == OrderPlan(
        order_id=PAID, currency=CURRENCY, right_minor=TOTAL_MINOR, difference_minor=3, give_back_minor=3
    )
    assert plan(evidence).money_minor == {CURRENCY: 3}


def test_what_was_too_little_is_waived() -> None:
    evidence = mispriced(-3)
    assert (only(evidence).difference_minor, only(evidence).give_back_minor) == (-3, 0)
    assert plan(evidence).money_minor == {}


def test_of_an_order_that_is_off_only_the_record_is_made() -> None:
    assert only(mispriced(3, CANCELLED)).give_back_minor == 0


@pytest.mark.parametrize(("before_minor", "left_minor"), [(TOTAL_MINOR, 3), (TOTAL_MINOR + 1, 2), (TOTAL_MINOR + 3, 0)])
def test_no_more_goes_back_than_is_left(before_minor: int, left_minor: int) -> None:
    evidence = mispriced(3)
    gave_back(evidence, before_minor, reason="returned")
    assert only(evidence).give_back_minor == left_minor


def test_what_is_written_down_and_not_given_back_is_only_given_back() -> None:
    evidence = mispriced(3)
    corrected(evidence)
    assert (only(evidence).corrected, only(evidence).give_back_minor) == (True, 3)
    gave_back(evidence, 3)
    assert plan(evidence).empty


def test_a_second_look_at_what_was_waived_finds_nothing() -> None:
    evidence = mispriced(-3)
    corrected(evidence)
    assert plan(evidence).empty


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("orders", {"status": "reserved"}),
        ("orders", {"status": "cancelling"}),
        ("orders", {"shipping_country": ""}),
        ("orders", {"shipping_country": "XX"}),
        ("payments", {"status": "unknown"}),
    ],
)
def test_what_is_under_way_or_cannot_be_priced_is_left_alone(table: str, changes: dict[str, object]) -> None:
    evidence = mispriced(3)
    alter(getattr(evidence.audit, table), changes, **{"id" if table == "orders" else "order_id": PAID})
    assert plan(evidence).empty


def test_an_order_that_payments_is_refunding_is_left_to_it() -> None:
    evidence = mispriced(3)
    gave_back(evidence, 3, status="processing")
    assert plan(evidence).empty


def test_what_was_written_down_wrongly_or_could_not_be_given_back_is_for_people() -> None:
    evidence = FlashSale().evidence()
    corrected_wrongly(evidence)
    assert [one.order_id for one in plan(evidence).settle] == [PAID]
    evidence = mispriced(3)
    corrected(evidence)
    gave_back(evidence, 3, status="failed")
    assert ([one.order_id for one in plan(evidence).settle], plan(evidence).orders) == ([PAID], ())


@pytest.mark.parametrize("by_minor", [3, -3])
def test_the_judge_takes_a_right_correction_of_a_repaired_fleet_only(by_minor: int) -> None:
    for repaired, outcome in ((True, Outcome.PASS), (False, Outcome.FAIL)):
        evidence = mispriced(by_minor, repaired=repaired)
        corrected(evidence)
        if by_minor > 0:
            gave_back(evidence, by_minor)
        result = judged(evidence, RIGHT)
        assert (result.outcome, "repaired: amount_differs" in result.observed) == (outcome, repaired)
        assert ("repaired: share_differs" in result.observed) is repaired
    assert judged(mispriced(by_minor, repaired=True), RIGHT).outcome is Outcome.FAIL, "nothing was written down"


@pytest.mark.parametrize("amounts", [(), (2,), (4,), (3, 3)])
def test_the_judge_takes_neither_too_little_back_nor_too_much(amounts: tuple[int, ...]) -> None:
    evidence = mispriced(3, repaired=True)
    corrected(evidence)
    for amount in amounts:
        gave_back(evidence, amount)
    assert judged(evidence, RIGHT).counts.keys() >= {"difference_not_returned", "amount_differs"}


def test_the_judge_takes_no_money_back_for_what_was_waived() -> None:
    evidence = mispriced(-3, repaired=True)
    corrected(evidence)
    gave_back(evidence, 3)
    assert "difference_not_returned" in judged(evidence, RIGHT).counts


@pytest.mark.parametrize("before_minor", [100, TOTAL_MINOR + 1, TOTAL_MINOR + 3])
def test_the_judge_asks_for_no_more_than_was_left(before_minor: int) -> None:
    evidence = mispriced(3, repaired=True)
    corrected(evidence)
    gave_back(evidence, before_minor, reason="returned")
    if owed := min(3, TOTAL_MINOR + 3 - before_minor):
        gave_back(evidence, owed)
    assert judged(evidence, RIGHT).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "otherwise",
    [
        {"total_minor": TOTAL_MINOR - 1},
        {"charged_minor": TOTAL_MINOR},
        {"difference_minor": 2},
        {"tax_minor": 1},
        {"discount_minor": 1},
        {"shipping_minor": 1},
        {"discounts": "1"},
        {"taxes": "1"},
    ],
    ids=lambda otherwise: next(iter(otherwise)),
)
def test_the_judge_takes_no_correction_that_differs_from_the_rules(otherwise: dict[str, object]) -> None:
    evidence = mispriced(3, repaired=True)
    corrected(evidence, **otherwise)
    gave_back(evidence, 3)
    assert judged(evidence, RIGHT).counts.keys() >= {"correction_differs", "amount_differs"}


def test_a_correction_undoes_no_other_damage() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.repaired = True
    tax_rounded_up(evidence)
    corrected(evidence)
    gave_back(evidence, 1)
    assert judged(evidence, RIGHT).outcome is Outcome.PASS
    alter(evidence.audit.orders, {"subtotal_minor": 1}, id=PAID)
    assert "amount_differs" in judged(evidence, RIGHT).counts


class Shop:
    """Says what it was asked, in turn; refuses some of it."""

    def __init__(self, *refusing: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._refusing = refusing

    async def call(self, service: str, method: str, path: str, *, json: Any = None) -> Any:
        _, _, _, order_id, what = path.split("/")
        self.asked.append((order_id, f"{what} {(json.get('total') or json['amount']).amount}"))
        if any(order_id == name for name in self._refusing):
            raise FleetRefusedError(service, f"{method} {path}", status=409, content=b'{"code":"rules_say_otherwise"}')


def wanted(order_id: str, **more: Any) -> OrderPlan:
    return OrderPlan(order_id=order_id, currency="EUR", right_minor=1_729, difference_minor=7, **more)


async def test_the_right_price_is_written_down_before_money_goes_back() -> None:
    shop = Shop()
    planned = Plan(
        orders=(wanted("dear", give_back_minor=7), wanted("off"), wanted("half", give_back_minor=7, corrected=True))
    )
    assert await prices.carry_out(shop, planned) == {}
    assert shop.asked == [
        ("dear", "price-correction 17.29"),
        ("dear", "price-difference 0.07"),
        ("off", "price-correction 17.29"),
        ("half", "price-difference 0.07"),
    ]


async def test_no_money_goes_back_where_orders_says_otherwise_and_the_others_are_done() -> None:
    shop = Shop("odd")
    planned = Plan(orders=(wanted("odd", give_back_minor=7), wanted(OTHER)))
    refused = await prices.carry_out(shop, planned)
    assert refused.keys() == {"odd"}
    assert "rules_say_otherwise" in refused["odd"]
    assert [order_id for order_id, _ in shop.asked] == ["odd", OTHER]


@pytest.mark.parametrize(("by_minor", "money"), [(3, {CURRENCY: 3}), (-3, {CURRENCY: TOTAL_MINOR - 3})])
def test_a_drill_is_about_the_orders_that_were_mispriced_and_what_goes_back(
    by_minor: int, money: dict[str, int]
) -> None:
    """Where nothing goes back, about what the orders come to."""
    incident, evidence = scenario("double-charge"), mispriced(by_minor)
    truth = truth_of(incident, draw.draw(incident, level=2, seed=1), evidence, judge(evidence))
    assert (set(truth.orders), truth.money_minor) == ({PAID}, money)
