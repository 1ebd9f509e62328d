"""When a kill is recovered from: ready again, and every journey it serves well for somebody who began it afterwards."""

import pytest

from compose import stack
from scenarios.evidence import FaultFired, RunFacts
from scenarios.faults.processes import KillForkParent
from scenarios.history import PLACE_ORDER, Operation, Record
from scenarios.recovery import SERVED_BY, Recovery, component_of, recoveries
from scenarios.workloads.trade import CHARGED, JOURNEYS, SEARCH, SHIPPED, TOLD

ORIGIN_AT = 1_000.0


def operation(function: str, began_s: float, ended_s: float | None, outcome: str = "ok") -> Operation:
    invoke = Record(index=0, time_s=began_s, process=1, type="invoke", function=function)
    completion = None
    if ended_s is not None:
        completion = Record(index=1, time_s=ended_s, process=1, type=outcome, function=function)  # type: ignore[arg-type]
    return Operation(invoke, completion)


def kill(process: str, at_s: float, *, healed_s: float | None = None, confirmed: bool = True) -> FaultFired:
    return FaultFired(
        name="kill",
        target=process,
        at=ORIGIN_AT + at_s,
        bit_at=ORIGIN_AT + at_s + 0.1,
        healed_at=None if healed_s is None else ORIGIN_AT + healed_s,
        confirmed=confirmed,
    )


def recovered(fault: FaultFired, *operations: Operation) -> Recovery:
    facts = RunFacts(scenario="soak", seed=1, started_at=ORIGIN_AT, history_origin_at=ORIGIN_AT, faults=[fault])
    (found,) = recoveries(facts, operations)
    return found


def test_it_takes_as_long_as_the_last_of_readiness_and_journeys() -> None:
    journeys = (operation(SHIPPED, 11.0, 13.5), operation(PLACE_ORDER, 10.5, 11.5))
    found = recovered(kill("orders-2", 10.0, healed_s=12.0), *journeys)
    assert found.seconds == pytest.approx(3.5)
    assert (found.component, found.slowest) == ("orders", SHIPPED)
    found = recovered(kill("orders-2", 10.0, healed_s=15.0), *journeys)
    assert found.seconds == pytest.approx(5.0)
    assert found.slowest == "ready"


def test_a_journey_that_began_before_the_kill_had_bitten_proves_nothing() -> None:
    found = recovered(
        kill("search-1", 10.0, healed_s=11.0), operation(SEARCH, 10.05, 10.2), operation(SEARCH, 14.0, 14.1)
    )
    assert found.seconds == pytest.approx(4.1)


def test_the_first_good_end_counts_whoever_began_first() -> None:
    slow, quick = operation(SEARCH, 10.5, 19.0), operation(SEARCH, 12.0, 12.5)
    assert recovered(kill("search-1", 10.0, healed_s=11.0), slow, quick).seconds == pytest.approx(2.5)


@pytest.mark.parametrize("outcome", ["fail", "info"])
def test_a_journey_without_a_good_end_is_none(outcome: str) -> None:
    found = recovered(kill("search-1", 10.0, healed_s=11.0), operation(SEARCH, 12.0, 12.5, outcome))
    assert found.seconds is None
    assert found.slowest == SEARCH


def test_a_process_that_never_came_back_never_recovered() -> None:
    found = recovered(kill("search-1", 10.0), operation(SEARCH, 12.0, 12.5))
    assert found.seconds is None
    assert found.slowest == "ready"


def test_what_was_under_way_at_the_kill_was_struck() -> None:
    found = recovered(
        kill("notifications-1", 10.0, healed_s=11.0),
        operation(TOLD, 9.0, 10.5),
        operation(PLACE_ORDER, 9.5, None),
        operation(CHARGED, 9.0, 9.9),
        operation(TOLD, 10.2, 10.4),
    )
    assert found.struck == 2


def test_a_kill_that_never_bit_is_none() -> None:
    facts = RunFacts(
        scenario="soak",
        seed=1,
        started_at=ORIGIN_AT,
        history_origin_at=ORIGIN_AT,
        faults=[kill("search-1", 10.0, confirmed=False)],
    )
    assert recoveries(facts, []) == ()


def test_every_component_of_the_stack_serves_a_journey() -> None:
    components = {component.name for component in stack.load().components} | {KillForkParent().target}
    assert set(SERVED_BY) == components
    assert all(set(journeys) <= set(JOURNEYS) and journeys for journeys in SERVED_BY.values())
    assert {component_of(name) for name in ("orders-2", "fork-parent", "kafka")} == {"orders", "fork-parent", "kafka"}
