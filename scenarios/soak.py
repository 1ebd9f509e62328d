"""A soak: many kills under an ordinary load, each timed to its recovery, all of it judged by every invariant.

It is played in legs. Each leg is a run of its own, with a directory that can be judged again, and is written down as it
ends: a soak that was stopped, however hard, goes on with the leg that it lacks. No process is spared but the
supervisor, which starts the others again.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from scenarios import planting
from scenarios.checkers import Outcome
from scenarios.cues import OnSignal
from scenarios.evidence import load_facts
from scenarios.faults.fault import Fault
from scenarios.faults.processes import Kill, KillForkParent
from scenarios.fleet import Fleet
from scenarios.history import PLACE_ORDER, Operation, paired, read_history
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.preparation import processes_of
from scenarios.recovery import Recovery, recoveries
from scenarios.report.series import percentile_of
from scenarios.resumable import Journal, spread
from scenarios.run_directory import history_path
from scenarios.runner import RunOptions, RunResult
from scenarios.statistics_text import k_of_n, none_in
from scenarios.verdict import EXIT_CODES, Verdict, combined
from scenarios.workloads.trade import Trade, TradeParameters, pause

SOAK: Final = "soak"
FOLDER: Final = "soaks"
RESULT: Final = "soak.json"
SCALE: Final = {"inventory": 2, "orders": 2}
FORK_PARENT: Final = KillForkParent()
RECOVERY_S_MAX: Final = 5.0
RECOVERY_PERCENTILE: Final = 95
PSP: Final = {"slow_rate": 0.1, "slow_s": 1.0, "timeout_after_success_rate": 0.05}
QUIESCE_S: Final = 120.0
LOST: Final = "acknowledged_order_missing"
NO_LOST_WRITE: Final = "INV-09"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a soak consists of: so many kills, at most `per_leg` of them between two judgements."""

    kills: int
    per_leg: int
    seed: int

    @property
    def legs(self) -> list[int]:
        """The kills of each leg, none much shorter than the others."""
        return spread(self.kills, over=-(-self.kills // self.per_leg))


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg that was played, as one line of the journal. Orders are distinct ones that a client was told of."""

    number: int
    kills: int
    outcome: Outcome
    failed: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    acknowledged: int = 0
    lost: int = 0
    recoveries: tuple[Recovery, ...] = ()
    directory: str = ""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery times of one component, or of all; None is a recovery that never came."""

    name: str
    kills: int
    p50_s: float | None
    p95_s: float | None
    max_s: float | None
    slowest: str = ""


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """What the legs came to. `slow` counts the kills that took longer than they may, or for ever."""

    choice: Choice
    legs: tuple[Leg, ...]
    outcome: Outcome
    kills: int
    acknowledged: int
    lost: int
    slow: int
    all: Times
    components: tuple[Times, ...]

    @property
    def said(self) -> tuple[str, ...]:
        """What so many kills show, and no more."""
        losing, played = sum(bool(leg.lost) for leg in self.legs), len(self.legs)
        lost = (
            none_in(self.kills, "acknowledged orders lost", of="kill")
            if not self.lost
            else f"{self.lost:,} of {self.acknowledged:,} acknowledged orders lost, in {losing} of {played} legs"
        )
        return (
            lost,
            f"recovery p50 {seconds(self.all.p50_s)}, p95 {seconds(self.all.p95_s)}, at most {seconds(self.all.max_s)}",
            k_of_n(self.slow, self.kills, f"longer than {RECOVERY_S_MAX:g} s", of="kill"),
        )

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


Report = Callable[[str, int, int], None]
"""Called with what was done last, how many kills were done, and of how many."""
Play = Callable[[Scenario, RunOptions], Awaitable[RunResult]]


async def soak(fleet: Fleet, choice: Choice, directory: Path, play: Play, report: Report) -> Soak:
    """Play every leg that the directory's journal lacks, and count all of them.

    Raises what a run raises; the next call then goes on.
    """
    await planting.clear(fleet)
    journal = Journal(directory, Leg)
    names = processes_of([it["name"] for it in await fleet.processes()], SCALE)
    targets = kill_order([*names, FORK_PARENT.target], random.Random(choice.seed))
    done = 0
    for number, kills in enumerate(choice.legs, start=1):
        struck = [next(targets) for _ in range(kills)]
        done += kills
        if number <= len(journal.played):
            continue
        result = await play(scenario_of(struck, choice), RunOptions(seed=choice.seed + number - 1))
        leg = await asyncio.to_thread(leg_of, number, kills, result.verdict, result.directory)
        journal.append(leg)
        report(f"leg {number}: {leg.outcome}", done, choice.kills)
    return counted(choice, journal.played)


def kill_order(names: Collection[str], chance: random.Random) -> Iterator[str]:
    """Every process once, then every one again in another order, without end; none twice in a row."""
    last = ""
    while True:
        turn = sorted(names)
        chance.shuffle(turn)
        if turn[0] == last:
            turn.append(turn.pop(0))
        yield from turn
        last = turn[-1]


def scenario_of(struck: Sequence[str], choice: Choice) -> Scenario:
    """One leg: an ordinary day, at each pause of which the next of these processes is killed."""
    form = Form(
        parameters=TradeParameters(pauses=len(struck) + 1),
        faults=tuple(
            FaultStep(fault=_kill(name), at=OnSignal(pause(number)), for_s=0.0)
            for number, name in enumerate(struck, start=1)
        ),
        psp=PSP,
        quiesce_s=QUIESCE_S,
    )
    return Scenario(
        id=SOAK,
        title="Kills under load",
        story="An ordinary day on which one process after the other is killed.",
        workload=Trade(),
        forms={FULL: form, QUICK: form},
        scale=SCALE,
        skips={"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"},
        replay=f"shopctl scenario soak --kills {choice.kills} --per-leg {choice.per_leg} --seed {choice.seed}",
    )


def leg_of(number: int, kills: int, verdict: Verdict, directory: Path) -> Leg:
    """What a run's directory says of its kills."""
    facts = load_facts(directory)
    operations = list(paired(read_history(history_path(directory))))
    judged = next((result for result in verdict.results if result.id == NO_LOST_WRITE), None)
    return Leg(
        number=number,
        kills=kills,
        outcome=verdict.outcome,
        failed=verdict.failed,
        weaknesses=verdict.weaknesses,
        acknowledged=len(set(_told(operations))),
        lost=judged.counts.get(LOST, 0) if judged else 0,
        recoveries=recoveries(facts, operations),
        directory=str(directory),
    )


def counted(choice: Choice, legs: Iterable[Leg]) -> Soak:
    """FAIL when an invariant was violated or recovery took too long, INVALID when a leg or a kill is missing."""
    played = tuple(legs)
    every = [recovery for leg in played for recovery in leg.recoveries]
    by_component: dict[str, list[Recovery]] = defaultdict(list)
    for recovery in every:
        by_component[recovery.component].append(recovery)
    times = _times("all", every)
    in_time = times.p95_s is not None and times.p95_s <= RECOVERY_S_MAX
    outcomes = [leg.outcome for leg in played]
    if every and not in_time:
        outcomes.append(Outcome.FAIL)
    return Soak(
        choice=choice,
        legs=played,
        outcome=combined(outcomes, weak=len(every) < choice.kills),
        kills=len(every),
        acknowledged=sum(leg.acknowledged for leg in played),
        lost=sum(leg.lost for leg in played),
        slow=sum(it.seconds is None or it.seconds > RECOVERY_S_MAX for it in every),
        all=times,
        components=tuple(_times(name, by_component[name]) for name in sorted(by_component)),
    )


def seconds(value: float | None) -> str:
    """For people."""
    return "never" if value is None else f"{value:.1f} s"


def _kill(name: str) -> Fault:
    return FORK_PARENT if name == FORK_PARENT.target else Kill(name)


def _told(operations: Iterable[Operation]) -> Iterator[str]:
    for operation in operations:
        if operation.invoke.function == PLACE_ORDER and operation.outcome == "ok":
            yield operation.answer.order_id


def _times(name: str, found: Sequence[Recovery]) -> Times:
    if not found:
        return Times(name=name, kills=0, p50_s=None, p95_s=None, max_s=None)
    took = [float("inf") if it.seconds is None else it.seconds for it in found]
    worst = max(found, key=lambda it: float("inf") if it.seconds is None else it.seconds)

    def of(percentile: int) -> float | None:
        value = percentile_of(took, percentile)
        return None if value == float("inf") else round(value, 3)

    return Times(
        name=name,
        kills=len(found),
        p50_s=of(50),
        p95_s=of(RECOVERY_PERCENTILE),
        max_s=of(100),
        slowest=worst.slowest,
    )
