"""What the runner says about its own run: how to play it again, and why it may be too weak to judge."""

from typing import Any

import pytest

from scenarios import runner
from scenarios.drills import flash_sale
from scenarios.evidence import FaultFired
from scenarios.faults.processes import Kill, Pause
from scenarios.market import Market
from scenarios.plan import FaultStep
from scenarios.runner import RunOptions
from scenarios.workloads.open_model import IN_FLIGHT_MAX, LATENESS_MS_P99_MAX, EngineReport

KILL = FaultStep(fault=Kill("inventory-1"), at_confirmed_share=0.4)
PAUSE = FaultStep(fault=Pause("inventory-2"), at_confirmed_share=0.6, for_s=2.0)


def engine(*, lateness_ms_p99: float = 1.0, in_flight_max: int = 10) -> EngineReport:
    return EngineReport(
        arrivals=100,
        in_flight_max=in_flight_max,
        lateness_ms_p50=0.5,
        lateness_ms_p99=lateness_ms_p99,
        cpu_share=0.1,
        seconds=1.0,
    )


def fired(step: FaultStep, *, confirmed: bool = True) -> FaultFired:
    return FaultFired(name=step.fault.name, target=step.fault.target, at=0.0, confirmed=confirmed)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"seed": 1}, "shopctl scenario run flash-sale --seed 1"),
        ({"seed": 7, "form": "quick"}, "shopctl scenario run flash-sale --seed 7 --quick"),
        (
            {"seed": 7, "form": "quick", "defect": "read-then-write"},
            "shopctl scenario run flash-sale --seed 7 --quick --defect read-then-write",
        ),
        (
            {"seed": 2, "overrides": {"buyers": 50, "units": 5, "over_s": 1.5}},
            "shopctl scenario run flash-sale --seed 2 --buyers 50 --units 5 --seconds 1.5",
        ),
        (
            {"seed": 3, "form": "quick", "kills": ("orders-1", "kafka")},
            "shopctl scenario run flash-sale --seed 3 --quick --kill orders-1 --kill kafka",
        ),
    ],
    ids=["full", "quick", "defect", "overrides", "kills"],
)
def test_the_replay_command_names_all_that_was_chosen(options: dict[str, Any], command: str) -> None:
    assert runner._replay_command(flash_sale.SCENARIO, RunOptions(**options)) == command


def test_kills_of_the_operator_come_beside_the_faults_of_the_scenario() -> None:
    (own,) = flash_sale.SCENARIO.faults["quick"]
    steps = runner._steps(flash_sale.SCENARIO, RunOptions(seed=1, form="quick", kills=("kafka",)))
    assert [step.fault for step in steps] == [own.fault, Kill("kafka")]


def test_a_run_whose_load_kept_up_and_whose_faults_bit_is_not_weak() -> None:
    assert runner._weaknesses(engine(), [fired(KILL), fired(PAUSE)], (KILL, PAUSE)) == []


def test_a_run_without_faults_needs_none() -> None:
    assert runner._weaknesses(engine(), [], ()) == []


@pytest.mark.parametrize(
    "report",
    [engine(lateness_ms_p99=LATENESS_MS_P99_MAX + 1), engine(in_flight_max=IN_FLIGHT_MAX)],
    ids=["late", "crowded"],
)
def test_a_generator_that_could_not_keep_up_is_named(report: EngineReport) -> None:
    (weakness,) = runner._weaknesses(report, [], ())
    assert "the load generator was the bottleneck" in weakness
    assert f"{report.lateness_ms_p99:.0f} ms late" in weakness


def test_a_generator_at_its_bounds_kept_up() -> None:
    report = engine(lateness_ms_p99=LATENESS_MS_P99_MAX, in_flight_max=IN_FLIGHT_MAX - 1)
    assert runner._weaknesses(report, [], ()) == []


def test_a_fault_that_never_came_is_named() -> None:
    assert runner._weaknesses(engine(), [fired(KILL)], (KILL, PAUSE)) == ["the fault pause inventory-2 never took hold"]


def test_a_fault_that_came_but_did_not_bite_is_named() -> None:
    unconfirmed = fired(KILL, confirmed=False)
    assert runner._weaknesses(engine(), [unconfirmed], (KILL,)) == ["the fault kill inventory-1 never took hold"]


def test_the_same_fault_on_another_process_is_not_the_one_that_was_planned() -> None:
    other = FaultFired(name="kill", target="inventory-2", at=0.0, confirmed=True)
    assert len(runner._weaknesses(engine(), [other], (KILL,))) == 1


def test_the_facts_of_a_run_say_what_the_market_opened_with() -> None:
    market = Market(sku="SALE-1", units=20, per_customer=2, buyers=(), opened_at=1_000.0)
    options = RunOptions(seed=3, form="quick", defect="read-then-write")
    facts = runner._facts(flash_sale.SCENARIO, options, market, {"units": 20, "buyers": 400})
    assert (facts.scenario, facts.seed, facts.defect) == ("flash-sale", 3, "read-then-write")
    assert (facts.skus, facts.scarce_skus, facts.buyers) == (["SALE-1"], ["SALE-1"], 400)
    (opening,) = facts.supply
    assert (opening.sku, opening.quantity, opening.opening, opening.at) == ("SALE-1", 20, True, 1_000.0)
    assert [(limit.sku, limit.per_customer) for limit in facts.limits] == [("SALE-1", 2)]
    assert facts.required == ["contention"]
    assert facts.parameters == {"units": 20, "buyers": 400, "form": "quick"}
