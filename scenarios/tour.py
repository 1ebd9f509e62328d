"""The tour of `shopctl demo`: the same sale twice, once healthy and once with a planted defect.

It holds when the healthy fleet passes *and* the judge catches the broken one.
"""

import msgspec

from scenarios.checkers import Outcome
from scenarios.drills import scenario
from scenarios.fleet import Fleet
from scenarios.runner import Report, RunOptions, RunResult, run
from scenarios.verdict import Verdict

SCENARIO = "flash-sale"
DEFECT = "read-then-write"


class Tour(msgspec.Struct, frozen=True, kw_only=True):
    """Both runs. `holds`: the healthy one passed and the broken one failed by a named invariant."""

    healthy: RunResult
    broken: RunResult
    holds: bool


async def tour(fleet: Fleet, *, seed: int, report: Report) -> Tour:
    """Play the quick form healthy, then broken."""
    incident = scenario(SCENARIO)
    report("flash sale, healthy fleet")
    healthy = await run(fleet, incident, RunOptions(seed=seed, form="quick"), report)
    report(f"the same sale with the defect {DEFECT} planted")
    broken = await run(fleet, incident, RunOptions(seed=seed, form="quick", defect=DEFECT), report)
    caught_by = incident.defect(DEFECT).caught_by
    return Tour(healthy=healthy, broken=broken, holds=holds(healthy.verdict, broken.verdict, caught_by=caught_by))


def holds(healthy: Verdict, broken: Verdict, *, caught_by: tuple[str, ...]) -> bool:
    """Whether the healthy sale passed and the broken one violated an invariant that names its defect."""
    return healthy.outcome is Outcome.PASS and bool(set(caught_by) & set(broken.failed))
