"""Orders at another rate than was promised: what `repair charges` does about them, and who judges it."""

from dataclasses import replace

import pytest

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence
from scenarios.evidence import rows as audit
from scenarios.repair import charges, prices
from scenarios.repair.prices import OrderPlan
from shared.contracts.payments import PRICE_CORRECTION
from tests.support.anomalies import (
    PAID,
    PROMISED_MINOR,
    alter,
    change,
    converted,
    corrected_rate,
    judged,
    ordered_at_another_rate,
    promised_less,
    where,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import CURRENCY, PRICE_MINOR, TOTAL_MINOR

MONEY = ("INV-06", "INV-08")
DIFFERENCE = TOTAL_MINOR - PROMISED_MINOR
WRONG = {"charged_otherwise_than_shown", "rate_differs", "price_differs"}


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def kinds(evidence: Evidence) -> set[str]:
    return {kind for name in MONEY for kind in judged(evidence, name).counts}


def gave_back(evidence: Evidence, amount_minor: int = DIFFERENCE) -> Evidence:
    journal, tables = evidence.journals.psp, evidence.audit
    capture = journal[where(journal, kind="capture", merchant_reference=PAID)]
    journal.append(change(capture, kind="refund", amount_minor=amount_minor, payment_reference=PAID))
    row = audit.RefundRow(
        id="difference", payment_id="p", order_id=PAID, amount_minor=amount_minor, currency=CURRENCY,
        status="succeeded", reason=PRICE_CORRECTION, psp_refund_id="re", created_at=9e9,
    )  # fmt: skip
    tables.refunds.append(row)
    alter(tables.payments, {"refunded_minor": amount_minor}, order_id=PAID)
    alter(tables.orders, {"refunded_minor": amount_minor}, id=PAID)
    for entry in [row for row in tables.ledger if row.order_id == PAID and row.kind == "capture"]:
        sign = -1 if entry.amount_minor > 0 else 1
        tables.ledger.append(change(entry, kind="refund", transaction_id=row.id, amount_minor=sign * amount_minor))
    evidence.facts.repaired = True
    return replace(evidence)


def test_the_total_at_the_promised_rate_is_written_down_and_the_difference_goes_back(evidence: Evidence) -> None:
    converted(evidence)
    assert prices.plan(evidence).empty
    evidence = FlashSale().evidence()
    promised_less(evidence)
    assert charges.plan(evidence.audit, evidence.journals.psp).empty
    assert prices.plan(evidence).orders == (
        OrderPlan(
            order_id=PAID, currency=CURRENCY, right_minor=PROMISED_MINOR, difference_minor=DIFFERENCE,
            give_back_minor=DIFFERENCE, catalog_prices=(2 * PRICE_MINOR,),
        ),
    )  # fmt: skip
    corrected_rate(evidence)
    (rest,) = prices.plan(replace(evidence)).orders
    assert (rest.corrected, rest.catalog_prices, rest.give_back_minor) == (True, (), DIFFERENCE)
    assert prices.plan(gave_back(evidence)).empty


def test_a_rate_that_changes_no_price_is_written_down_and_moves_nothing(evidence: Evidence) -> None:
    ordered_at_another_rate(evidence)
    (order,) = prices.plan(evidence).orders
    assert (order.difference_minor, order.give_back_minor, order.catalog_prices) == (0, 0, (2 * PRICE_MINOR,))


def test_prices_that_the_catalog_never_had_are_for_people(evidence: Evidence) -> None:
    promised_less(evidence)
    alter(evidence.audit.prices, {"price_minor": 1}, currency="USD")
    made = prices.plan(evidence)
    assert (made.orders, [one.order_id for one in made.settle]) == ((), [PAID])


def test_the_judges_see_it_and_take_it_as_undone_once_it_was_corrected_and_paid_back(evidence: Evidence) -> None:
    promised_less(evidence)
    assert kinds(evidence) == WRONG
    corrected_rate(evidence)
    after = gave_back(evidence)
    assert kinds(after) == set()
    assert {name: judged(after, name).outcome for name in MONEY} == dict.fromkeys(MONEY, Outcome.PASS)
    after.facts.repaired = False
    assert kinds(after) == WRONG


@pytest.mark.parametrize("amount_minor", [DIFFERENCE - 1, DIFFERENCE + 1])
def test_another_amount_than_the_difference_undoes_nothing(evidence: Evidence, amount_minor: int) -> None:
    promised_less(evidence)
    corrected_rate(evidence)
    found = kinds(gave_back(evidence, amount_minor))
    assert {"difference_not_returned", "charged_otherwise_than_shown"} <= found


@pytest.mark.parametrize("otherwise", [{"rate_nano": 410_000_000}, {"unit_prices": "4800"}, {"unit_prices": "1,2"}])
def test_a_correction_at_another_rate_or_price_is_a_violation_of_its_own(
    evidence: Evidence, otherwise: dict[str, object]
) -> None:
    promised_less(evidence)
    corrected_rate(evidence, **otherwise)
    found = kinds(gave_back(evidence))
    assert {"corrected_otherwise_than_promised", "rate_differs", "price_differs"} <= found


def test_a_correction_of_another_total_than_was_shown_undoes_nothing(evidence: Evidence) -> None:
    promised_less(evidence)
    corrected_rate(evidence, total_minor=PROMISED_MINOR - 1, difference_minor=DIFFERENCE + 1)
    found = kinds(gave_back(evidence, DIFFERENCE + 1))
    assert {"correction_differs", "charged_otherwise_than_shown"} <= found
