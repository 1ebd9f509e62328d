"""How `shopctl repair charges` shows what goes back and what was done."""

import json
from pathlib import Path

import msgspec
import pytest

from cli.repair import charges as repair
from cli.repair.charges import Deeds, Plans
from scenarios.quiescence import Quiescence
from scenarios.repair import prices
from scenarios.repair.charges import OrderPlan, Plan, Repaired, Unsettled
from scenarios.repair.rejudge import Rejudged
from tests.support.builders.verdicts import PASSED

CHARGES = Plan(
    orders=(
        OrderPlan(order_id="twice", payment_id="p1", currency="EUR", give_back=("pay_2",), give_back_minor=8_999),
        OrderPlan(order_id="short", payment_id="p2", currency="KWD", pay_back_minor=1_532),
    ),
)
PRICES = prices.Plan(
    orders=(
        prices.OrderPlan(
            order_id="dear", currency="EUR", right_minor=1_729, difference_minor=7, give_back_minor=7, corrected=True
        ),
        prices.OrderPlan(order_id="cheap", currency="JPY", right_minor=1_729, difference_minor=-2),
    ),
)
PLAN = Plans(CHARGES, PRICES)
NOTHING = Plans(Plan(orders=()), prices.Plan())
PEOPLE = Plan(orders=(), settle=(Unsettled("lost", "paid back though nobody booked it"),))
REST = Quiescence(reached=True, after_s=1.0, waits_for={})
DONE = Deeds(
    Repaired(
        rounds=1, captures_returned=1, captures_unbooked=0, returns_completed=1, quiescence=REST, left=NOTHING.charges
    ),
    prices.Repaired(rounds=1, corrected=1, given_back=1, waived=1, quiescence=REST, left=NOTHING.prices),
)


def with_charges(**changes: object) -> Deeds:
    return Deeds(msgspec.structs.replace(DONE.charges, **changes), DONE.prices)


def test_a_plan_is_a_row_per_order_and_says_how_much_goes_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, None, None, json=False) == 0
    out, err = capsys.readouterr()
    named = ("twice", "short", "dear", "cheap")
    assert [line.split() for line in out.splitlines() if line.split()[:1] and line.split()[0] in named] == [
        ["twice", "1", "89.99", "EUR"],
        ["short", "0", "1.532", "KWD"],
        ["dear", "17.29", "EUR", "0.07", "EUR", "0.07", "EUR"],
        ["cheap", "1,729", "JPY", "-2", "JPY"],
    ]
    assert err.strip() == "This is the plan, 90.06 EUR, 1.532 KWD to customers; carry it out with --apply."


def test_a_plan_that_only_corrects_gives_no_money(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plans(NOTHING.charges, prices.Plan(orders=PRICES.orders[1:]))
    assert repair._show(plan, None, None, json=False) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said == "This is the plan, nothing by itself to customers; carry it out with --apply."


def test_a_fleet_that_charged_once_needs_no_repair(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(NOTHING, None, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Nothing to repair."


def test_what_was_done_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=False) == 0
    assert " ".join(capsys.readouterr().err.split()) == (
        "Gave back 1 captures, completed 1 returns, took 0 captures and 0 refunds out of the books, "
        "wrote down 0 debts, disowned 0 webhooks, took 0 orders back; "
        "corrected 1 prices, gave 1 differences back, "
        "waived 1."
    )


def test_what_is_left_or_refused_or_for_people_is_named_and_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = with_charges(refused={"twice": "409"}, left=CHARGES, rounds=3)
    assert repair._show(PLAN, done, Rejudged(verdict=PASSED, directory=tmp_path), json=False) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "Order twice was not repaired: 409." in said
    assert "After 3 rounds 2 orders are still to be repaired." in said
    assert repair._show(Plans(PEOPLE, NOTHING.prices), with_charges(left=PEOPLE), None, json=False) == 1
    assert "Order lost: paid back though nobody booked it; no command undoes that." in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [{"left": PRICES}, {"refused": {"dear": "409"}}, {"left": prices.Plan(settle=(Unsettled("dear", "odd"),))}],
    ids=["left", "refused", "for people"],
)
def test_a_price_that_was_not_set_right_fails(capsys: pytest.CaptureFixture[str], more: dict[str, object]) -> None:
    done = Deeds(DONE.charges, msgspec.structs.replace(DONE.prices, **more))
    assert repair._show(PLAN, done, None, json=False) == 1
    assert capsys.readouterr().err


def test_programs_get_plan_deed_and_verdict_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [order["give_back"] for order in printed["plan"]["orders"]] == [["pay_2"], []]
    assert printed["done"]["captures_returned"] == 1
    assert [order["order_id"] for order in printed["prices"]["plan"]["orders"]] == ["dear", "cheap"]
    assert printed["prices"]["done"]["waived"] == 1
