"""Judge the running fleet as it stands, without a load: the invariants that need no client history."""

import time
from collections.abc import Iterable

from scenarios import planting
from scenarios.checkers import ALL_CHECKERS, Checker, Outcome, Result, named
from scenarios.evidence import Evidence, RunFacts
from scenarios.fleet import Fleet
from scenarios.index_reading import look_into_index
from scenarios.live import LIVE, LiveWatch, Tell, live
from scenarios.quiescence import quiesce
from scenarios.repair.rejudge import was_repaired
from scenarios.snapshots import Snapshots, take_snapshots
from scenarios.verdict import Verdict, judge
from scenarios.world.journals import read_journals

OF_A_RUN = frozenset({"INV-02", "INV-03", "INV-04", "INV-09", "INV-10", "INV-25"})
"""Invariants whose witness is what clients were told, or the faults that explain a log: there is neither here."""

REST_DEADLINE_S = 20.0


def judgeable(ids: tuple[str, ...] = ()) -> tuple[Checker, ...]:
    """The checkers that a look at the fleet can answer, or the ones named. Raises KeyError for an unknown id."""
    wanted = named(*ids) if ids else ALL_CHECKERS
    return tuple(checker for checker in wanted if ids or checker.id not in OF_A_RUN)


def watchable(ids: tuple[str, ...] = ()) -> tuple[Checker, ...]:
    """Those that hold at every moment, or the ones named of them. Raises KeyError for one that does not."""
    if unfit := sorted(set(ids) - set(LIVE)):
        raise KeyError(f"{', '.join(unfit)} cannot be judged before the fleet has come to rest")
    return live(named(*(ids or LIVE)))


async def look(fleet: Fleet, checkers: tuple[Checker, ...]) -> Verdict:
    """One verdict over everything the fleet ever did, after it came to rest."""
    started = time.time()
    rest = await quiesce(fleet, since=0.0, deadline_s=REST_DEADLINE_S)
    snapshots = await take_snapshots(fleet.audit_urls())
    await look_into_index(fleet, snapshots, since=0.0)
    facts = _facts(fleet, snapshots, started)
    facts.quiesced_at = time.time() if rest.reached else None
    evidence = Evidence(facts=facts, history=[], audit=snapshots.tables, journals=read_journals(fleet.layout.world))
    return judge(evidence, checkers)


async def watch(fleet: Fleet, checkers: Iterable[Checker], tell: Tell) -> Verdict:
    """Look again and again without waiting for rest, whatever load there is; ends at the first violation.

    The checkers are `watchable` ones. Without a client history INV-02 sees stock alone.
    """
    asked = tuple(checkers)
    needs = {need for checker in asked for need in checker.needs}
    started = time.time()
    verdict: Verdict | None = None

    async def glance() -> list[Result] | None:
        nonlocal verdict
        snapshots = await take_snapshots(fleet.audit_urls(), only=needs)
        for problem in snapshots.problems:
            tell(f"could not look: {problem}")
        if snapshots.problems:
            return None
        verdict = judge(Evidence(facts=_facts(fleet, snapshots, started), history=[], audit=snapshots.tables), asked)
        return [result for result in verdict.results if result.outcome is Outcome.FAIL]

    await LiveWatch(glance, tell).until_seen()
    assert verdict is not None, "a violation was seen without a look"
    return verdict


def _facts(fleet: Fleet, snapshots: Snapshots, started: float) -> RunFacts:
    return RunFacts(
        scenario="fleet",
        seed=0,
        title="The running fleet",
        defect=planting.HIDDEN if planting.is_hidden(fleet.layout) else None,
        started_at=0.0,
        history_origin_at=started,
        ended_at=time.time(),
        subscriptions=fleet.subscriptions(),
        problems=list(snapshots.problems),
        repaired=was_repaired(fleet.layout.runs),
    )
