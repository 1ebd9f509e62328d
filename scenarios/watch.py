"""Judge the running fleet as it stands, without a load: the invariants that need no client history."""

import time

from scenarios.checkers import ALL_CHECKERS, Checker, named
from scenarios.evidence import Evidence, RunFacts
from scenarios.fleet import Fleet
from scenarios.quiescence import quiesce
from scenarios.repair.rejudge import was_repaired
from scenarios.snapshots import take_snapshots
from scenarios.verdict import Verdict, judge
from scenarios.world.journals import read_journals

OF_A_RUN = frozenset({"INV-02", "INV-03", "INV-04", "INV-09", "INV-10", "INV-25"})
"""Invariants whose witness is what clients were told, or the faults that explain a log: there is neither here."""

REST_DEADLINE_S = 20.0


def judgeable(ids: tuple[str, ...] = ()) -> tuple[Checker, ...]:
    """The checkers that a look at the fleet can answer, or the ones named. Raises KeyError for an unknown id."""
    wanted = named(*ids) if ids else ALL_CHECKERS
    return tuple(checker for checker in wanted if ids or checker.id not in OF_A_RUN)


async def look(fleet: Fleet, checkers: tuple[Checker, ...]) -> Verdict:
    """One verdict over everything the fleet ever did, after it came to rest."""
    started = time.time()
    rest = await quiesce(fleet, since=0.0, deadline_s=REST_DEADLINE_S)
    snapshots = await take_snapshots(fleet.audit_urls())
    facts = RunFacts(
        scenario="fleet",
        seed=0,
        title="The running fleet",
        started_at=0.0,
        history_origin_at=started,
        quiesced_at=time.time() if rest.reached else None,
        ended_at=time.time(),
        subscriptions=fleet.subscriptions(),
        problems=list(snapshots.problems),
        repaired=was_repaired(fleet.layout.runs),
    )
    evidence = Evidence(facts=facts, history=[], audit=snapshots.tables, journals=read_journals(fleet.layout.world))
    return judge(evidence, checkers)
