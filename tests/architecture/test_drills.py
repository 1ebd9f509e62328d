"""Every incident is listed, has both forms, and says what its parameters are."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from scenarios import drills
from scenarios.parameters import Parameter, described
from scenarios.plan import FULL, QUICK, Scenario

NUMBERS = {"int", "float"}


def _names(folder: str) -> set[str]:
    return {path.stem for path in Path(folder).parent.glob("*.py")} - {"__init__"}


def _not_told(parameters: Iterable[Parameter]) -> list[str]:
    """Parameters without a meaning, and numbers without bounds."""
    return [it.name for it in parameters if not it.doc or (it.type in NUMBERS and None in (it.least, it.most))]


def _out_of_its_judgement(scenario: Scenario) -> set[str]:
    """Invariants that it skips or plants a defect for, and does not judge; defects of which it judges none."""
    judged = {checker.id for checker in scenario.checkers}
    caught = {invariant for card in scenario.defects for invariant in card.caught_by}
    unseen = {
        card.id
        for card in scenario.defects
        if not set(card.caught_by) - {*scenario.skips, *scenario.forms[card.form].skips}
    }
    return set(scenario.skips).union(caught, *(form.skips for form in scenario.forms.values())) - judged | unseen


def test_every_drill_file_is_in_the_catalogue() -> None:
    assert _names(drills.__file__) == {scenario.id.replace("-", "_") for scenario in drills.SCENARIOS}


def test_a_scenario_is_listed_once() -> None:
    assert len({scenario.id for scenario in drills.SCENARIOS}) == len(drills.SCENARIOS)


@pytest.mark.parametrize("scenario", drills.SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_can_be_played_in_full_and_quickly(scenario: Scenario) -> None:
    assert {FULL, QUICK} <= set(scenario.forms)
    assert len({type(form.parameters) for form in scenario.forms.values()}) == 1


@pytest.mark.parametrize("scenario", drills.SCENARIOS, ids=lambda scenario: scenario.id)
def test_every_parameter_has_a_meaning_and_every_number_has_bounds(scenario: Scenario) -> None:
    assert _not_told(described(type(scenario.forms[FULL].parameters))) == []


@pytest.mark.parametrize("scenario", drills.SCENARIOS, ids=lambda scenario: scenario.id)
def test_what_a_scenario_skips_or_plants_concerns_invariants_that_it_judges(scenario: Scenario) -> None:
    assert _out_of_its_judgement(scenario) == set()


def test_a_number_without_bounds_and_a_parameter_without_a_meaning_are_found() -> None:
    buyers = Parameter(name="buyers", type="int", doc="how many buy", least=1, most=9)
    unbounded, silent = (msgspec.structs.replace(buyers, **it) for it in ({"most": None}, {"doc": ""}))
    assert _not_told([buyers]) == []
    assert _not_told([unbounded, silent]) == ["buyers", "buyers"]


def test_a_scenario_that_does_not_judge_what_it_plants_is_found() -> None:
    scenario = next(it for it in drills.SCENARIOS if it.defects)
    (card, *_) = scenario.defects
    blind = msgspec.structs.replace(scenario, skips=dict.fromkeys(card.caught_by, "the shop is closed"))
    assert card.id in _out_of_its_judgement(blind)
    careless = msgspec.structs.replace(scenario, checkers=(), skips={"INV-00": "nobody knows it"})
    assert {"INV-00", *card.caught_by} <= _out_of_its_judgement(careless)
