"""The runner's own discipline, with a workload, faults and a judge that do nothing, on a fleet without services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from compose.operator_error import OperatorError
from scenarios.checkers import Outcome
from scenarios.cues import AtShare, OnSignal
from scenarios.evidence import load_facts
from scenarios.plan import FaultStep
from scenarios.runner import RunOptions, RunResult, run
from tests.support.bare_fleet import BareFleet, bare_fleet
from tests.support.engines import EngineUrls
from tests.support.fakes.contracts import contracts
from tests.support.fakes.noop import NoopFault, NoopWorkload, noop_scenario
from tests.support.services import topics

OPTIONS = RunOptions(seed=5)


@asynccontextmanager
async def rested(engines: EngineUrls, home: Path, prefix: str) -> AsyncIterator[BareFleet]:
    """A fleet with nothing to do."""
    async with (
        topics(engines, prefix),
        bare_fleet(engines, home, prefix=prefix) as bare,
        contracts(bare.layout),
    ):
        yield bare


async def played(bare: BareFleet, workload: NoopWorkload, *steps: FaultStep) -> RunResult:
    return await run(bare.fleet, noop_scenario(workload, *steps), OPTIONS)


async def test_phases_come_in_order_and_every_fault_is_healed_before_the_judges_look(
    engines: EngineUrls, tmp_path: Path, prefix: str
) -> None:
    async with rested(engines, tmp_path, prefix) as bare:
        workload = NoopWorkload()
        steps = [
            FaultStep(fault=NoopFault("a", workload.journal), at=AtShare(0.25)),
            FaultStep(fault=NoopFault("b", workload.journal), at=OnSignal("half")),
        ]
        result = await played(bare, workload, *steps)
        assert workload.journal == [
            "prepared with seed 5", "play begins", "play ends", "a injected", "b injected", "b healed", "a healed",
        ]  # fmt: skip
        assert result.verdict.outcome is Outcome.PASS
        facts = load_facts(result.directory)
        assert all(fault.confirmed and fault.healed_at for fault in facts.faults)
        assert facts.figures["load"] == {"operations": 4}


async def test_a_run_that_was_not_what_was_planned_is_invalid_and_says_why(
    engines: EngineUrls, tmp_path: Path, prefix: str
) -> None:
    async with rested(engines, tmp_path, prefix) as bare:
        result = await played(
            bare,
            NoopWorkload(problems=("the load was the bottleneck",)),
            FaultStep(fault=NoopFault("a", confirmed=False), at=AtShare(0.25)),
            FaultStep(fault=NoopFault("b"), at=OnSignal("never")),
            FaultStep(
                fault=NoopFault("c", heal_error=OperatorError("process.not_ready", "c is starting.", mend="")),
                at=AtShare(0.5),
            ),
        )
        assert result.verdict.outcome is Outcome.INVALID
        assert list(result.verdict.weaknesses) == [
            "the load was the bottleneck",
            "noop c: c is starting.",
            "the cue of a fault never came: noop b on never",
            "fault noop on a was never seen to bite",
        ]


async def test_a_provider_that_takes_repeats_for_new_is_known_to_the_judges(
    engines: EngineUrls, tmp_path: Path, prefix: str
) -> None:
    async with rested(engines, tmp_path, prefix) as bare:
        scenario = noop_scenario(NoopWorkload())
        for psp in ({}, {"idempotency": False}):
            forms = {name: replace(form, psp=psp) for name, form in scenario.forms.items()}
            result = await run(bare.fleet, replace(scenario, forms=forms), OPTIONS)
            assert load_facts(result.directory).psp_idempotency is not bool(psp)


async def test_a_second_run_on_the_same_fleet_is_refused_before_it_touches_anything(
    engines: EngineUrls, tmp_path: Path, prefix: str
) -> None:
    async with rested(engines, tmp_path, prefix) as bare:
        workload = NoopWorkload()
        with bare.fleet.exclusive(), pytest.raises(OperatorError) as refused:
            await played(bare, workload)
        assert refused.value.code == "fleet.busy"
        assert workload.journal == []
