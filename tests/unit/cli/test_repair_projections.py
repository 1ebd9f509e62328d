"""How `shopctl repair projections` shows what differs and what was rebuilt."""

import json

import msgspec
import pytest

from cli.repair import projections as repair
from scenarios.quiescence import Quiescence
from scenarios.repair.projections import Plan, Repaired

PLAN = Plan(products=("p1",), orders=("o1", "o2"))
DONE = Repaired(
    index_rebuilt=True,
    figures_rebuilt=True,
    quiescence=Quiescence(reached=True, after_s=1.0, waits_for={}),
    left=Plan(),
)


def test_a_plan_is_a_row_per_product_and_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, None, None, json=False) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines() if line.split()[:1] in (["product"], ["order"])]
    assert rows == [["product", "p1"], ["order", "o1"], ["order", "o2"]]
    assert err.strip() == "This is the plan; carry it out with --apply."


def test_a_fleet_whose_projections_agree_needs_no_repair(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(Plan(), None, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Nothing to repair."


def test_what_was_rebuilt_is_named_and_what_differs_still_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Rebuilt: index, figures."
    assert repair._show(PLAN, msgspec.structs.replace(DONE, left=PLAN), None, json=False) == 1
    assert "1 products and 2 orders differ still." in capsys.readouterr().err


def test_programs_get_plan_and_deed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["plan"]["orders"], printed["done"]["index_rebuilt"]) == (["o1", "o2"], True)
