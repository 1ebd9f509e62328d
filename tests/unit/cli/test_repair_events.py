"""How `shopctl repair events` shows what is missing and what was done."""

import json

import msgspec
import pytest

from cli.repair import events as repair
from scenarios.quiescence import Quiescence
from scenarios.repair.events import ConsumerPlan, Misread, Missing, Plan, Repaired, Untold

LOST = Missing("e1", "order.paid", "o1", "orders")
PLAN = Plan(
    consumers=(
        ConsumerPlan(consumer="analytics", missing=(LOST,), rewind={"orders.events": 3}),
        ConsumerPlan(consumer="inventory", letters=2),
    )
)
NOTHING = Plan(consumers=())
DONE = Repaired(
    rounds=1,
    sent=0,
    stored=0,
    annulled=0,
    applied=1,
    redriven=2,
    quiescence=Quiescence(reached=True, after_s=1.0, waits_for={}),
    left=NOTHING,
)


def test_a_plan_is_a_row_per_consumer(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, None, None, json=False) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines() if line.split()[:1] in (["analytics"], ["inventory"])]
    assert rows == [["analytics", "1"], ["inventory", "2"]]
    assert err.strip() == "This is the plan; carry it out with --apply."


def test_a_fleet_that_applied_everything_needs_no_repair(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(NOTHING, None, None, json=False) == 0
    assert capsys.readouterr().err.strip() == "Nothing to repair."


def test_what_was_done_is_counted_and_what_is_left_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=False) == 0
    assert capsys.readouterr().err.strip() == (
        "Sent 0 events again, stored 0 that went past the outbox, applied 1 that were missing, redrove 2 dead letters, "
        "annulled 0 payments."
    )
    left = msgspec.structs.replace(DONE, left=msgspec.structs.replace(PLAN, unsent=(LOST,)))
    assert repair._show(PLAN, left, None, json=False) == 1
    assert "2 consumers still miss events." in " ".join(capsys.readouterr().err.split())


def test_what_never_arrived_and_what_went_past_the_outbox_is_shown_with_who_published_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    past = Untold("e2", "stock.adjusted", "main/A-1", "inventory", "inventory.events", 0, 7)
    ghost = Misread("payments", "e3", "o3")
    planned = Plan(consumers=(), unsent=(LOST,), untold=(past,), misread=(ghost,))
    assert repair._show(planned, None, None, json=False) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert ["orders", "order.paid", "o1"] in rows
    assert ["inventory", "stock.adjusted", "main/A-1"] in rows
    assert ["payments", "e3", "o3"] in rows
    assert err.strip() == "This is the plan; carry it out with --apply."


def test_programs_get_plan_and_deed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair._show(PLAN, DONE, None, json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["plan"]["consumers"][0]["missing"][0]["event_id"] == "e1"
    assert printed["done"]["redriven"] == 2
