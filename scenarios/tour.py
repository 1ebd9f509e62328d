"""The tour of `shopctl demo`: the same incident twice, once as the fleet is and once with a planted defect.

It holds when the healthy fleet passes *and* the judge catches the broken one. A run too weak to judge, as on a machine
that is busy with something else, says nothing about the fleet: it is played once more.
"""

import msgspec

from scenarios.checkers import Outcome
from scenarios.drills import scenario
from scenarios.fleet import Fleet
from scenarios.plan import QUICK, Scenario
from scenarios.runner import Report, RunOptions, RunResult, run
from scenarios.verdict import EXIT_CODES, NONE_PLANTED, Verdict

SCENARIO = "flash-sale"
DEFECT = "read-then-write"


class Tour(msgspec.Struct, frozen=True, kw_only=True):
    """Both runs. `holds`: the healthy one passed and the broken one failed by a named invariant."""

    healthy: RunResult
    broken: RunResult
    holds: bool

    @property
    def exit_code(self) -> int:
        """0 when it holds, 3 when it does not and a sale was too weak to judge, else 1."""
        if self.holds:
            return 0
        outcomes = (self.healthy.verdict.outcome, self.broken.verdict.outcome)
        return EXIT_CODES[Outcome.INVALID] if Outcome.INVALID in outcomes else EXIT_CODES[Outcome.FAIL]


async def tour(fleet: Fleet, *, seed: int, report: Report) -> Tour:
    """Play the quick form healthy, then broken."""
    incident = scenario(SCENARIO)
    report(f"{incident.title}: {NONE_PLANTED}")
    healthy = await _judged(fleet, incident, RunOptions(seed=seed, form=QUICK), report)
    report(f"{incident.title}: defect {DEFECT}")
    broken = await _judged(fleet, incident, RunOptions(seed=seed, form=QUICK, defect=DEFECT), report)
    caught_by = incident.defect(DEFECT).caught_by
    return Tour(healthy=healthy, broken=broken, holds=holds(healthy.verdict, broken.verdict, caught_by=caught_by))


async def _judged(fleet: Fleet, incident: Scenario, options: RunOptions, report: Report) -> RunResult:
    """The incident, played once more if it was too weak to judge."""
    result = await run(fleet, incident, options, report)
    if result.verdict.outcome is not Outcome.INVALID:
        return result
    report("that run was too weak to judge: once more")
    return await run(fleet, incident, options, report)


def holds(healthy: Verdict, broken: Verdict, *, caught_by: tuple[str, ...]) -> bool:
    """Whether the healthy fleet passed and the broken one violated an invariant that names its defect."""
    return healthy.outcome is Outcome.PASS and bool(set(caught_by) & set(broken.failed))
