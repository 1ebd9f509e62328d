"""A rare state that was never reached makes the run INVALID by its name, whichever of its causes is switched off."""

import inspect
import re
from dataclasses import replace

import pytest

from scenarios import drills, rare_states
from scenarios.checkers import Outcome, named
from scenarios.evidence import Evidence, FaultFired
from scenarios.junit import junit_xml
from scenarios.plan import FULL, QUICK, Scenario
from scenarios.rare_states import RARE_STATES, RareState, happened
from scenarios.verdict import judge
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT
from tests.support.rare_causes import CAUSES, Spoil

STATES_MIN = 8
UNTOUCHED = named("INV-07")
"""Of the ledger, which no cause is about."""


def demanding(state: RareState, *spoils: Spoil) -> Evidence:
    evidence = FlashSale().evidence()
    evidence.facts.required[:] = [state.id]
    for spoil in spoils:
        spoil(evidence)
    return replace(evidence)


@pytest.mark.parametrize(
    ("state", "plant", "switch_off"), CAUSES, ids=[f"{row[0].id}-{number}" for number, row in enumerate(CAUSES)]
)
def test_without_its_cause_the_run_is_invalid_by_the_name_of_the_state(
    state: RareState, plant: Spoil, switch_off: Spoil
) -> None:
    reached = judge(demanding(state, plant), UNTOUCHED)
    assert reached.happened[0].count > 0
    assert reached.outcome is Outcome.PASS
    missed = judge(demanding(state, plant, switch_off), UNTOUCHED)
    assert missed.happened[0].count == 0
    assert f"{state.id} never happened: {state.statement}" in missed.weaknesses
    assert missed.outcome is Outcome.INVALID


def test_every_state_has_a_cause_that_is_switched_off() -> None:
    assert [state.id for state, _, _ in CAUSES if state not in RARE_STATES] == []
    assert {state.id for state in RARE_STATES} - {state.id for state, _, _ in CAUSES} == set()
    declared = {value.id for value in vars(rare_states).values() if isinstance(value, RareState)}
    assert declared == {state.id for state in RARE_STATES}
    assert len({state.id for state in RARE_STATES}) == len(RARE_STATES)


def test_a_healthy_sale_that_reached_everything_passes_and_says_so() -> None:
    verdict = judge(FlashSale().evidence())
    assert verdict.outcome is Outcome.PASS
    assert {state.id: state.demanded for state in verdict.happened} == {
        "last-unit-raced": True,
        "declined-after-hold": True,
        "paused-in-saga": False,
    }


def test_what_is_only_watched_may_stay_at_0() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.clear()
    verdict = judge(evidence)
    assert verdict.happened[-1].count == 0
    assert verdict.outcome is Outcome.PASS


def test_a_fault_that_did_not_bite_killed_nobody() -> None:
    evidence = demanding(rare_states.KILLED_IN_SAGA)
    evidence.facts.faults.append(FaultFired("kill", LOAD_STARTED_AT + 0.25, "inventory-1"))
    assert happened(RARE_STATES, evidence)[0].count == 0


def test_a_kill_that_waited_for_its_moment_counts_at_that_moment() -> None:
    evidence = demanding(rare_states.KILLED_IN_CHARGE)
    attempt = evidence.audit.payment_attempts[0]
    told_at = attempt.started_at - 9
    evidence.facts.faults.append(FaultFired("kill-at", told_at, "payments", confirmed=True, bit_at=attempt.started_at))
    assert happened(RARE_STATES, evidence)[0].count == 1
    evidence.facts.faults[-1] = FaultFired("kill-at", told_at, "payments", confirmed=True)
    assert happened(RARE_STATES, evidence)[0].count == 0


def test_a_name_that_no_state_has_was_never_reached() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.required.append("pigs-flew")
    verdict = judge(evidence)
    assert verdict.outcome is Outcome.INVALID
    assert "pigs-flew never happened: no longer in the catalogue" in verdict.weaknesses


def test_the_counts_are_in_the_file_for_build_servers() -> None:
    verdict = judge(FlashSale().evidence())
    text = junit_xml(verdict).decode()
    for state in verdict.happened:
        assert re.search(rf'name="did happen: {state.id}" value="{state.count}"', text)


@pytest.mark.parametrize("scenario", drills.SCENARIOS, ids=lambda scenario: scenario.id)
def test_every_form_of_an_incident_demands_eight_states(scenario: Scenario) -> None:
    for form in scenario.forms.values():
        required, watched = scenario.rare_states(form)
        assert len(required) >= STATES_MIN
        assert len(set(required)) == len(required)
        assert not set(required) & set(watched)
    full, quick = (set(scenario.rare_states(scenario.forms[form])[0]) for form in (FULL, QUICK))
    assert quick <= full


def test_counting_looks_at_nothing_but_the_evidence() -> None:
    for name in ("answers", "attacks", "money", "events", "faults", "rush", "state"):
        module = __import__(f"scenarios.rare_states.{name}", fromlist=["_"])
        assert not re.search(r"^import (time|os|asyncio|socket)|^from pathlib", inspect.getsource(module), re.MULTILINE)
