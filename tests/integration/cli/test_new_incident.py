"""A new incident is one drill file and one workload: neither runner, report nor command line know it.

It is listed in the catalogue, as a newcomer would list it, and played on real databases, broker and provider. The
services are away, but for the one question that the runner asks them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scenarios import drills
from scenarios.checkers import Outcome
from scenarios.evidence import load_facts
from scenarios.history import read_history
from scenarios.plan import QUICK
from scenarios.run_directory import history_path
from scenarios.runner import RunOptions, run
from tests.integration.cli.conftest import Beside
from tests.support.command_line import Said
from tests.support.fakes.contracts import contracts
from tests.support.fakes.tiny_incident.drill import SCENARIO

Shopctl = Callable[..., Said]


@pytest.fixture(autouse=True)
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "SCENARIOS", (*drills.SCENARIOS, SCENARIO))


@pytest.fixture(scope="module", autouse=True)
def _contracts(beside: Beside) -> Iterator[None]:
    serving = contracts(beside.bare.layout)
    beside.run(serving.__aenter__())
    yield
    beside.run(serving.__aexit__(None, None, None))


def judged(said: Said) -> tuple[dict[str, object], Path]:
    printed = json.loads(said.out)
    return printed["verdict"], Path(printed["directory"])


def test_the_runner_plays_it_with_its_faults_history_and_judge(beside: Beside) -> None:
    result = beside.run(run(beside.bare.fleet, SCENARIO, RunOptions(seed=1, form=QUICK)))
    assert result.verdict.outcome is Outcome.PASS
    assert [(one.id, one.outcome) for one in result.verdict.results] == [("TINY-01", Outcome.PASS)]
    records = read_history(history_path(result.directory))
    assert {record.function for record in records} == {"pay"}
    assert [record.type for record in records[:2]] == ["invoke", "ok"]
    facts = load_facts(result.directory)
    assert facts.parameters == {"bills": 4, "same_key": True}
    assert [(fault.target, fault.confirmed, fault.healed_at is not None) for fault in facts.faults] == [
        ("at once", True, True),
        ("half way", True, True),
    ]


def test_the_command_line_plays_it_by_name_and_its_verdict_is_the_exit_code(shopctl: Shopctl) -> None:
    said = shopctl("scenario", "run", "bills-paid-twice", "--quick", "--seed", "2", "--json")
    assert said.code == 0, said.err
    verdict, directory = judged(said)
    assert (verdict["outcome"], verdict["scenario"]) == ("PASS", "bills-paid-twice")
    assert "Bills are paid twice" in (directory / "report.html").read_text()
    assert "bills-paid-twice, no planted defect" in (directory / "junit.xml").read_text()


def test_a_parameter_of_it_is_set_by_name_and_its_judge_sees_what_came_of_it(shopctl: Shopctl) -> None:
    said = shopctl("scenario", "run", "bills-paid-twice", "--seed", "3", "--set", "same_key=false", "--json")
    assert said.code == 1, said.err
    verdict, directory = judged(said)
    (result,) = verdict["results"]
    assert result["counts"] == {"not_paid_once": 20}
    assert load_facts(directory).replay == "shopctl scenario run bills-paid-twice --seed 3 --set same_key=false"


def test_a_run_of_it_is_judged_again_by_its_own_judge(shopctl: Shopctl) -> None:
    _, directory = judged(shopctl("scenario", "run", "bills-paid-twice", "--quick", "--seed", "4", "--json"))
    said = shopctl("scenario", "recheck", str(directory))
    assert said.code == 0
    assert "TINY-01" in said.out
    assert "PASS  bills-paid-twice, seed 4, no planted defect" in said.out


def test_it_is_listed_and_shown_with_its_parameters(shopctl: Shopctl) -> None:
    assert "bills-paid-twice" in shopctl("scenario", "list").out
    shown = shopctl("scenario", "show", "bills-paid-twice").out
    assert "int 1..100" in shown
    assert "noop half way on half_paid" in shown


def test_what_it_has_not_is_refused_with_what_it_has(shopctl: Shopctl) -> None:
    said = shopctl("scenario", "run", "bills-paid-twice", "--set", "buyers=1")
    assert (said.code, said.lines) == (2, ["There is no parameter 'buyers'.", "Choose one of: bills, same_key."])
