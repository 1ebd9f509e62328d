"""How `shopctl repair charges` shows what goes back and what was done."""

import json
from pathlib import Path

import msgspec
import pytest

from cli.repair import charges as repair
from scenarios.quiescence import Quiescence
from scenarios.repair.charges import OrderPlan, Plan, Repaired, Unsettled
from scenarios.repair.rejudge import Rejudged
from tests.support.builders.verdicts import PASSED

PLAN = Plan(
    orders=(
        OrderPlan(order_id="twice", payment_id="p1", currency="EUR", give_back=("pay_2",), give_back_minor=8_999),
        OrderPlan(order_id="short", payment_id="p2", currency="KWD", pay_back_minor=1_532),
    ),
)
NOTHING = Plan(orders=())
PEOPLE = Plan(orders=(), settle=(Unsettled("lost", "paid back though nobody booked it"),))
DONE = Repaired(
    rounds=1,
    captures_returned=1,
    returns_completed=1,
    quiescence=Quiescence(reached=True, after_s=1.0, waits_for={}),
    left=NOTHING,
)


def test_a_plan_is_a_row_per_order_and_says_how_much_goes_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, None, None, json=False) == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines() if line.split()[:1] in (["twice"], ["short"])] == [
        ["twice", "1", "89.99", "EUR"],
        ["short", "0", "1.532", "KWD"],
    ]
    assert err.strip() == "This is the plan, 89.99 EUR, 1.532 KWD to customers; carry it out with --apply."


def test_a_fleet_that_charged_once_needs_no_repair(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(NOTHING, None, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Nothing to repair."


def test_what_was_done_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Gave back 1 captures, completed 1 returns, took back 0 orders."


def test_what_is_left_or_refused_or_for_people_is_named_and_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = msgspec.structs.replace(DONE, refused={"twice": "409"}, left=PLAN, rounds=3)
    assert repair._show(PLAN, done, Rejudged(verdict=PASSED, directory=tmp_path), json=False) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "Order twice was not repaired: 409." in said
    assert "After 3 rounds 2 orders are still to be repaired." in said
    assert repair._show(PEOPLE, msgspec.structs.replace(DONE, left=PEOPLE), None, json=False) == 1
    assert "Order lost: paid back though nobody booked it; no command undoes that." in capsys.readouterr().err


def test_programs_get_plan_deed_and_verdict_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [order["give_back"] for order in printed["plan"]["orders"]] == [["pay_2"], []]
    assert printed["done"]["captures_returned"] == 1
