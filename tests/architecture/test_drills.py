"""Every incident is listed, has both forms, and says what its parameters are."""

from pathlib import Path

import pytest

from scenarios import drills
from scenarios.parameters import described
from scenarios.plan import FULL, QUICK, Scenario

NUMBERS = {"int", "float"}


def _names(folder: str) -> set[str]:
    return {path.stem for path in Path(folder).parent.glob("*.py")} - {"__init__"}


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
    for parameter in described(type(scenario.forms[FULL].parameters)):
        assert parameter.doc
        assert parameter.type not in NUMBERS or None not in (parameter.least, parameter.most)


@pytest.mark.parametrize("scenario", drills.SCENARIOS, ids=lambda scenario: scenario.id)
def test_what_a_scenario_skips_or_plants_concerns_invariants_that_it_judges(scenario: Scenario) -> None:
    judged = {checker.id for checker in scenario.checkers}
    assert set(scenario.skips).union(*(form.skips for form in scenario.forms.values())) <= judged
    for card in scenario.defects:
        assert set(card.caught_by) <= judged
        assert set(card.caught_by) - {*scenario.skips, *scenario.forms[card.form].skips}
