"""A drill on a fleet that has nothing wrong, from start to review, on real databases, broker and provider.

The incident is a newcomer's without defects: whatever the level, the right answer is that nothing is wrong.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios import drills, planting
from tests.integration.cli.conftest import Beside
from tests.support.command_line import Said
from tests.support.fakes.contracts import contracts
from tests.support.fakes.supervisor import idle_supervisor
from tests.support.fakes.tiny_incident.drill import SCENARIO

Shopctl = Callable[..., Said]
DRILL_NONE = 3


@pytest.fixture(autouse=True)
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "SCENARIOS", (*drills.SCENARIOS, SCENARIO))


@pytest.fixture(scope="module", autouse=True)
def _around(beside: Beside) -> Iterator[None]:
    around = [contracts(beside.bare.layout), idle_supervisor(beside.bare.layout)]
    for one in around:
        beside.run(one.__aenter__())
    yield
    for one in reversed(around):
        beside.run(one.__aexit__(None, None, None))


@pytest.fixture
def started(shopctl: Shopctl) -> Iterator[dict[str, Any]]:
    said = shopctl("drill", "start", SCENARIO.id, "--level", "4", "--seed", "3", "--quick", "--json")
    assert said.code == 0, said.err
    yield json.loads(said.out)
    shopctl("drill", "report")


def told(said: Said) -> dict[str, Any]:
    return json.loads(said.out)


def test_what_is_right_is_left_alone_and_every_step_is_told_to_programs(
    shopctl: Shopctl, beside: Beside, started: dict[str, Any]
) -> None:
    assert started["causes"] == ["healthy"]
    assert planting.is_hidden(beside.bare.layout)
    run = beside.bare.layout.runs / started["run"]
    assert (run / "history.jsonl").exists()
    assert not (run / "verdict.json").exists()
    assert told(shopctl("drill", "brief", "--json"))["brief"] == started["brief"]
    assert Path(shopctl("drill", "brief", "--html").out.strip()).read_text().startswith("<!doctype html>")
    assert told(shopctl("drill", "hint", "--json"))["hint"] == 1
    assert shopctl("drill", "submit", "--service", "inventory").code == 1
    said = shopctl("drill", "submit", "--cause", "healthy", "--impact", "none", "--json")
    assert (said.code, told(said)["right"]) == (0, True)
    status = told(shopctl("drill", "status", "--json"))
    assert None not in status["phases"].values()
    assert (status["wrong"], len(status["hints"])) == (1, 1)
    said = shopctl("drill", "report", "--json")
    assert said.code == 0, said.err
    review = told(said)
    assert review["cause"] == "healthy"
    assert review["score"]["total"] == 100 - 5 - 8
    assert Path(review["page"]).exists()
    assert (run / "verdict.json").exists()
    assert not planting.is_hidden(beside.bare.layout)
    assert told(shopctl("drill", "report", "--last", "--json"))["score"] == review["score"]


def test_a_load_played_again_proves_that_nothing_was_wrong(shopctl: Shopctl, started: dict[str, Any]) -> None:
    said = shopctl("drill", "prove")
    assert (said.code, len(said.lines)) == (2, 2)
    assert shopctl("drill", "submit", "--cause", "healthy").code == 0
    said = shopctl("drill", "prove", "--json")
    assert said.code == 0, said.err
    assert told(said)["outcome"] == "PASS"


def test_evidence_that_was_edited_is_refused_by_its_invariant(
    shopctl: Shopctl, beside: Beside, started: dict[str, Any]
) -> None:
    history = beside.bare.layout.runs / started["run"] / "history.jsonl"
    history.write_bytes(history.read_bytes().replace(b'"ok"', b'"fail"', 1))
    (view,) = beside.rows(
        "orders", "SELECT definition FROM pg_views WHERE schemaname = 'audit' AND viewname = 'order_lines'"
    )
    whole = view["definition"].rstrip().rstrip(";")
    define = "CREATE OR REPLACE VIEW audit.order_lines AS "
    beside.rows("orders", define + f"SELECT * FROM ({whole}) AS it WHERE false")  # noqa: S608 -- its own definition
    try:
        assert shopctl("drill", "submit", "--cause", "healthy").code == 0
    finally:
        beside.rows("orders", define + whole)
    review = told(shopctl("drill", "report", "--json"))
    happened = " ".join(moment["what"] for moment in review["timeline"])
    assert "INV-09: history.jsonl of the run was changed" in happened
    assert "INV-09: the audit view orders.order_lines was changed" in happened
    assert review["score"]["total"] < 100


def test_one_drill_at_a_time_and_none_without_a_beginning(shopctl: Shopctl, started: dict[str, Any]) -> None:
    said = shopctl("drill", "start", SCENARIO.id)
    assert (said.code, len(said.lines)) == (2, 2)
    said = shopctl("scenario", "run", SCENARIO.id, "--quick", "--json")
    assert told(said)["verdict"]["defect"] == "hidden"
    shopctl("drill", "report")
    for command in (("status",), ("hint",), ("submit", "--cause", "healthy"), ("report",)):
        said = shopctl("drill", *command)
        refusal = [line for line in said.lines if line != "judging"]  # what a command does is told before its refusal
        assert (said.code, len(refusal)) == (DRILL_NONE, 2), command


@pytest.mark.parametrize(
    "words",
    [
        ("start", "no-such-incident"),
        ("start", SCENARIO.id, "--level", "5"),
        ("start", SCENARIO.id, "--seed", "-1"),
        ("submit",),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_in_two_lines(shopctl: Shopctl, words: tuple[str, ...]) -> None:
    said = shopctl("drill", *words)
    assert (said.code, said.out, len(said.lines)) == (2, "", 2)


def test_answers_that_there_are_not_are_refused_with_those_there_are(shopctl: Shopctl, started: dict[str, Any]) -> None:
    said = shopctl("drill", "submit", "--cause", "read-then-write")
    assert (said.code, said.lines[1]) == (2, "Choose one of: healthy.")
    assert shopctl("drill", "submit", "--service", "no-such-service").code == 2
    assert told(shopctl("drill", "status", "--json"))["submissions"] == 0
