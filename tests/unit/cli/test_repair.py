"""How `shopctl repair oversell` shows what is to be done and what was done."""

import json
from pathlib import Path

import msgspec
import pytest

from cli.repair import oversell as repair
from scenarios.quiescence import Quiescence
from scenarios.repair.oversell import Plan, Repaired, SkuPlan
from scenarios.repair.rejudge import Rejudged
from tests.support.builders.verdicts import PASSED, TOO_WEAK, violated

PLAN = Plan(
    skus=(
        SkuPlan(sku="JACKET", supply=20, standing=23, cancel=("c", "b", "a"), release=("leak",), figures_wrong=True),
        SkuPlan(sku="TENT", supply=5, standing=5, cancel=(), release=("x", "y"), figures_wrong=False),
    ),
    dead_letters=4,
)
NOTHING = Plan(skus=(), dead_letters=0)
DONE = Repaired(
    rounds=1,
    orders_cancelled=3,
    holds_released=1,
    skus_reconciled=2,
    letters_redriven=4,
    quiescence=Quiescence(reached=True, after_s=1.0, waits_for={}),
    left=NOTHING,
)


def rows(text: str) -> dict[str, list[str]]:
    cells = [line.split() for line in text.splitlines()]
    return {row[0]: row[1:] for row in cells if row and row[0] in {"JACKET", "TENT"}}


def test_a_plan_is_a_row_per_sku_and_says_how_to_carry_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, None, None, json=False) == 0
    out, err = capsys.readouterr()
    assert rows(out) == {"JACKET": ["20", "23", "3", "1", "wrong"], "TENT": ["5", "5", "0", "2"]}
    assert "4 dead letters of inventory" in out
    assert err.strip() == "This is the plan; carry it out with --apply."


def test_a_fleet_without_damage_needs_no_repair(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(NOTHING, None, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Nothing to repair."


def test_goods_that_left_for_nobody_are_told_and_no_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(Plan(skus=(), dead_letters=0, settle=("o1", "o2")), None, None, json=False) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "The goods of 2 orders left though the order is off" in said
    assert "shopctl order o1" in said
    assert "Nothing to repair" not in said
    assert "carry it out" not in said


def test_dead_letters_alone_are_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    repair._show(Plan(skus=(), dead_letters=1), None, None, json=False)
    assert "carry it out" in capsys.readouterr().err


def test_what_was_done_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=False) == 0
    assert capsys.readouterr().err.strip() == (
        "Cancelled 3 orders, released 1 holds, reconciled 2 SKUs, applied 4 dead letters again."
    )


def test_stock_that_is_still_wrong_is_named_and_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = msgspec.structs.replace(DONE, left=PLAN, rounds=3)
    assert repair._show(PLAN, done, Rejudged(verdict=PASSED, directory=tmp_path), json=False) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "After 3 rounds there is still to repair: JACKET, TENT." in said


def test_what_only_people_can_settle_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    done = msgspec.structs.replace(DONE, left=Plan(skus=(), dead_letters=0, settle=("o1",)))
    assert repair._show(PLAN, done, None, json=False) == 1
    assert "The goods of 1 orders left" in " ".join(capsys.readouterr().err.split())


def test_letters_that_cannot_be_applied_are_told_and_left_to_their_own_repair(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = msgspec.structs.replace(DONE, left=Plan(skus=(), dead_letters=2))
    assert repair._show(PLAN, done, None, json=False) == 0
    assert "2 dead letters of inventory cannot be applied." in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("verdict", "code"), [(PASSED, 0), (violated("INV-02"), 1), (TOO_WEAK, 3)], ids=["pass", "fail", "invalid"]
)
def test_the_exit_code_after_a_repair_is_that_of_the_new_verdict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verdict, code: int
) -> None:
    assert repair._show(PLAN, DONE, Rejudged(verdict=verdict, directory=tmp_path), json=False) == code
    out = capsys.readouterr().out
    assert f"{verdict.outcome}  flash-sale" in out
    assert f"report: {tmp_path / 'report.html'}" in out


def test_programs_get_plan_deed_and_verdict_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    judged = Rejudged(verdict=PASSED, directory=tmp_path)
    assert repair._show(PLAN, DONE, judged, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [sku["cancel"] for sku in printed["plan"]["skus"]] == [["c", "b", "a"], []]
    assert printed["done"]["orders_cancelled"] == 3
    assert printed["judged"]["directory"] == str(tmp_path)
    assert printed["judged"]["verdict"]["outcome"] == "PASS"
    repair._show(NOTHING, None, None, json=True)
    assert json.loads(capsys.readouterr().out) == {
        "plan": {"skus": [], "dead_letters": 0, "recall": [], "settle": []},
        "done": None,
        "judged": None,
    }
