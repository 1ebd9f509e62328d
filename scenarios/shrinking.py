"""A smaller run that still fails: fewer faults, fewer people, fewer units, less time, with the same seed and defect.

The search is a generator of candidates that is told whether each failed; what was tried is kept beside the run, so that
a stopped search goes on where it was. It finds a small run, not the smallest: each dimension is bisected by itself, and
races are luck.
"""

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Final

import msgspec

from compose.operator_error import OperatorError
from scenarios import parameters
from scenarios.checkers import Outcome
from scenarios.drills import scenario
from scenarios.plan import Scenario
from scenarios.run_directory import PLAN
from scenarios.runner import RunOptions, RunResult, replay_command
from scenarios.verdict import load_verdict

TRIED: Final = "shrink.json"
PRECISION: Final = 8
"""A bisection ends when what is left between failing and not is this part of the failing value, or one step."""
DURATION: Final = "over_s"
DURATION_STEP_S: Final = 0.5


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that can be made smaller, from its `value` in the failed run down to `least`."""

    name: str
    value: float
    least: float
    step: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What of a run's options is changed to make it smaller."""

    overrides: dict[str, str] = {}
    without: tuple[int, ...] = ()
    kills: tuple[str, ...] = ()


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that was played, and the invariants it violated."""

    candidate: Candidate
    failed: tuple[str, ...]
    directory: str


class Shrunk(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest run found. `finished` is false when the bound on runs ended the search."""

    command: str
    candidate: Candidate
    directory: str
    runs: int
    finished: bool


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that failed, as it was played."""

    directory: Path
    scenario: Scenario
    options: RunOptions
    invariants: tuple[str, ...]


class _Plan(msgspec.Struct):
    scenario: str
    options: RunOptions


Play = Callable[[RunOptions], Awaitable[RunResult]]
Tell = Callable[[str], None]


def failed_run(directory: Path) -> Failed:
    """Raises OperatorError (run.unreadable, run.not_failed)."""
    try:
        plan = msgspec.json.decode((directory / PLAN).read_bytes(), type=_Plan)
        verdict = load_verdict(directory)
        played = scenario(plan.scenario)
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise OperatorError(
            "run.unreadable", f"{directory} is not a whole run: {error}", mend="Play it again."
        ) from error
    if verdict.outcome is not Outcome.FAIL:
        raise OperatorError(
            "run.not_failed", f"{directory.name} is {verdict.outcome}.", mend="Choose a run that failed.", exit_code=2
        )
    return Failed(directory=directory, scenario=played, options=plan.options, invariants=verdict.failed)


async def shrink(run: Failed, play: Play, tell: Tell, *, runs_max: int) -> Shrunk:
    """Play smaller and smaller runs, at most so many beside those that were tried before.

    A run counts as the same failure when it violates one of the invariants that the first one did.
    """
    form = run.scenario.forms[run.options.form]
    start = Candidate(overrides=run.options.overrides, without=run.options.without, kills=run.options.kills)
    values = parameters.changed(form.parameters, run.options.overrides)
    search = smaller(start, faults=len(form.faults), dimensions=dimensions_of(values))
    tried = _read(run.directory)
    played = 0
    best = Tried(candidate=start, failed=run.invariants, directory=str(run.directory))
    candidate = next(search, None)
    while candidate is not None:
        known = next((one for one in tried if one.candidate == candidate), None)
        if known is None:
            if played == runs_max:
                break
            known = await _tried(run, candidate, play)
            played += 1
            tried.append(known)
            (run.directory / TRIED).write_bytes(msgspec.json.format(msgspec.json.encode(tried), indent=2))
        fails = bool(set(known.failed) & set(run.invariants))
        tell(f"{'fails' if fails else 'holds'}: {_command(run, candidate)}")
        best = known if fails else best
        try:
            candidate = search.send(fails)
        except StopIteration:
            candidate = None
    return Shrunk(
        command=_command(run, best.candidate),
        candidate=best.candidate,
        directory=best.directory,
        runs=len(tried),
        finished=candidate is None,
    )


def smaller(
    start: Candidate, *, faults: int, dimensions: tuple[Dimension, ...]
) -> Generator[Candidate, bool, Candidate]:
    """Candidates to try; each is answered with whether it failed. Returns the smallest that did.

    Faults go first, one by one, because a run without them is the easier to read; then each dimension is bisected.
    """
    best = start
    for kill in start.kills:
        candidate = msgspec.structs.replace(best, kills=tuple(one for one in best.kills if one != kill))
        best = candidate if (yield candidate) else best
    for number in range(1, faults + 1):
        if number not in best.without:
            candidate = msgspec.structs.replace(best, without=(*best.without, number))
            best = candidate if (yield candidate) else best
    for one in dimensions:
        low, high = one.least - one.step, one.value
        while high - low > max(one.step, high / PRECISION):
            middle = _middle(one, low, high)
            candidate = msgspec.structs.replace(best, overrides={**best.overrides, one.name: f"{middle:g}"})
            if (yield candidate):
                best, high = candidate, middle
            else:
                low = middle
    return best


def dimensions_of(values: msgspec.Struct) -> tuple[Dimension, ...]:
    """The counts of a workload's parameters and its duration, as far as they are above their least."""
    found: list[Dimension] = []
    for one in parameters.described(type(values)):
        value = getattr(values, one.name)
        if one.least is None or not (one.type == "int" or one.name == DURATION) or value <= one.least:
            continue
        step = 1.0 if one.type == "int" else DURATION_STEP_S
        found.append(Dimension(name=one.name, value=float(value), least=float(one.least), step=step))
    return tuple(found)


def _middle(one: Dimension, low: float, high: float) -> float:
    """Between the two, on a step, and never below the least."""
    return max(one.least, round((low + high) / 2 / one.step) * one.step)


async def _tried(run: Failed, candidate: Candidate, play: Play) -> Tried:
    result = await play(_options(run, candidate))
    return Tried(candidate=candidate, failed=result.verdict.failed, directory=str(result.directory))


def _options(run: Failed, candidate: Candidate) -> RunOptions:
    return msgspec.structs.replace(
        run.options, overrides=candidate.overrides, without=candidate.without, kills=candidate.kills
    )


def _command(run: Failed, candidate: Candidate) -> str:
    return replay_command(run.scenario, _options(run, candidate))


def _read(directory: Path) -> list[Tried]:
    """What an earlier search tried. Raises OperatorError (shrink.unreadable)."""
    path = directory / TRIED
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Tried])
    except msgspec.DecodeError as error:
        raise OperatorError(
            "shrink.unreadable", f"{path}: {error}", mend="Remove it; the search then begins anew."
        ) from error
