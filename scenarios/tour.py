"""The tour of `shopctl demo`: the same sale twice, once healthy and once with a planted defect.

It holds when the healthy fleet passes *and* the judge catches the broken one. A sale too weak to judge, as on a machine
that is busy with something else, says nothing about the fleet: it is played once more.
"""

import msgspec

from scenarios.checkers import Outcome
from scenarios.drills import scenario
from scenarios.fleet import Fleet
from scenarios.plan import Scenario
from scenarios.runner import Report, RunOptions, RunResult, run
from scenarios.verdict import EXIT_CODES, Verdict

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
    report("flash sale, healthy fleet")
    healthy = await _judged(fleet, incident, RunOptions(seed=seed, form="quick"), report)
    report(f"the same sale with the defect {DEFECT} planted")
    broken = await _judged(fleet, incident, RunOptions(seed=seed, form="quick", defect=DEFECT), report)
    caught_by = incident.defect(DEFECT).caught_by
    return Tour(healthy=healthy, broken=broken, holds=holds(healthy.verdict, broken.verdict, caught_by=caught_by))


async def _judged(fleet: Fleet, incident: Scenario, options: RunOptions, report: Report) -> RunResult:
    """The sale, played once more if it was too weak to judge."""
    result = await run(fleet, incident, options, report)
    if result.verdict.outcome is not Outcome.INVALID:
        return result
    report("that sale was too weak to judge: once more")
    return await run(fleet, incident, options, report)


def holds(healthy: Verdict, broken: Verdict, *, caught_by: tuple[str, ...]) -> bool:
    """Whether the healthy sale passed and the broken one violated an invariant that names its defect."""
    return healthy.outcome is Outcome.PASS and bool(set(caught_by) & set(broken.failed))
