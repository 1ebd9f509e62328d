"""The plan of a rush, its triggers, and the resilience matrix: every cell is judged."""

import pytest
from msgspec.structs import replace

from scenarios.checkers import Outcome, named
from scenarios.counters import BREAKER, SAMPLE, Counted
from scenarios.drills import black_friday
from scenarios.evidence import FaultFired
from scenarios.history import WantedLine
from scenarios.resilience import JOURNEYS, LOOK, RESILIENCE, dependency_of
from scenarios.workloads.rush import _arrivals, _holds
from tests.support.builders import rush

CELLS = [(dependency, journey) for dependency, row in RESILIENCE.items() for journey in row]


def test_visitors_come_at_the_rate_of_their_segment():
    arrivals = _arrivals(((2.0, 10.0), (0.0, 99.0), (1.0, 100.0)))
    assert len(arrivals) == 120
    assert arrivals == sorted(arrivals)
    assert sum(at < 2.0 for at in arrivals) == 20
    assert arrivals[20] == 2.0


def test_every_trigger_has_a_form_alone_and_some_in_pairs():
    forms = black_friday.SCENARIO.forms
    assert {name for name in black_friday.TRIGGERS if name != "surge"} <= set(forms)
    for first, second in black_friday.PAIRS:
        form = forms[f"{first}-and-{second}"]
        wanted = [*black_friday.TRIGGERS[first], *black_friday.TRIGGERS[second]]
        assert [step.fault for step in form.faults] == wanted
        assert bool(form.parameters.surge) is ("surge" in (first, second))


@pytest.mark.parametrize("dependency", RESILIENCE)
def test_every_row_of_the_matrix_has_a_promise_for_every_journey_and_a_form_that_takes_it_away(dependency: str):
    assert set(RESILIENCE[dependency]) == set(JOURNEYS)
    (step,) = black_friday.SCENARIO.forms[f"without-{dependency}"].faults
    assert dependency_of(step.fault.target) == dependency


@pytest.mark.parametrize(("dependency", "journey"), CELLS, ids=[f"{journey} without {it}" for it, journey in CELLS])
@pytest.mark.parametrize("broken", [False, True])
def test_a_cell_is_kept_or_broken(dependency: str, journey: str, broken: bool):
    evidence = rush.rush_alone()
    fault = FaultFired(
        "gone", rush.TROUBLE_AT, f"all:{dependency}", confirmed=True, bit_at=rush.TROUBLE_AT, healed_at=rush.SURGE_AT
    )
    evidence.facts.faults = [fault]
    for number in range(20):
        rush.ask(evidence.history, 90_000 + number, journey, at=rush.TROUBLE_AT + 2.0 + number / 10)
    if broken:
        rush.unanswered(evidence, rush.TROUBLE_AT, rush.SURGE_AT, journey)
    (judge,) = named("INV-26")
    result = judge.check(evidence)
    assert result.counts.get("promise_broken", 0) == broken
    if broken:
        assert result.first is not None
        assert f"{journey} without {dependency}" in result.first.message


def test_a_refusal_keeps_the_promise_to_be_definite_and_breaks_that_to_work():
    judge = named("INV-26")[0]
    for dependency, outcome in (("catalog", Outcome.PASS), ("search", Outcome.FAIL)):
        evidence = rush.rush_alone()
        away = replace(evidence.facts.faults[-1], target=f"{dependency}-1")
        evidence.facts.faults = [away]
        for index in rush.between(evidence, rush.TROUBLE_AT, rush.SURGE_AT, LOOK):
            evidence.history[index] = replace(evidence.history[index], type="fail", error="overloaded")
        assert judge.check(evidence).outcome is outcome


def test_counters_are_summed_by_service_and_kind():
    line = 'shopstream_http_requests_total{method="GET",service="catalog",status="200"} 12.0'
    found = SAMPLE.match(line)
    assert found is not None
    assert (found[1], found[3]) == ("http_requests", "12.0")
    assert SAMPLE.match("shopstream_cache_loads 3.0") is not None
    assert SAMPLE.match("# HELP shopstream_cache_loads cache loads") is None
    assert Counted({"a": 5.0, "b": 1.0}).since(Counted({"a": 2.0})) == {"a": 3.0, "b": 1.0}


def test_a_breaker_that_was_not_looked_at_says_nothing():
    said = BREAKER.match('shopstream_breaker_refuses{target="catalog"} 1.0')
    assert said is not None
    assert said.groups() == ("catalog", "1.0")
    assert BREAKER.match('shopstream_breaker_refuses{target="catalog"} NaN') is None


def test_a_cart_is_its_customers_own():
    cart = b'{"version":1,"lines":[{"sku":"A","quantity":2},{"sku":"B","quantity":1},{"sku":"OLD","quantity":1}]}'
    assert _holds(cart, (WantedLine("A", 2), WantedLine("B", 1)))
    assert not _holds(cart, (WantedLine("A", 1), WantedLine("B", 1)))
