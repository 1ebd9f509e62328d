"""All figures of one run of the benchmarks as one table, with the machine that they were measured on."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from loadtests.benchmarks.elsewhere import ELSEWHERE, Elsewhere
from loadtests.benchmarks.reporting import Figure, goal_text, ratio_text

BUSY = "measured on a busy machine"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run was made."""

    cores: int
    python: str
    system: str


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark of a run; `load_average` is that of the minute before it began, without figures it failed."""

    benchmark: str
    exit_code: int
    load_average: float
    figures: tuple[Figure, ...]
    report: msgspec.Raw = msgspec.Raw(b"null")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is when it began."""

    at: datetime
    command: str
    machine: Machine
    measurements: tuple[Measurement, ...]


def this_machine() -> Machine:
    """The one this process runs on."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        system=f"{platform.system()} on {platform.machine()}",
    )


def page(run: Run, elsewhere: Sequence[Elsewhere] = ELSEWHERE) -> str:
    """The Markdown page; every number in it was measured in this run."""
    machine = run.machine
    lines = [
        "# Figures",
        "",
        f"Measured by `{run.command}` on {run.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {machine.cores} cores, "
        f"Python {machine.python}, {machine.system}. Each figure stands beside a floor (the least that can be had) or "
        "a peer (the usual way), measured in the same run on the same machine; the ratio says more than the figure.",
        "",
        "| benchmark | what | measured | goal | | beside | ratio | load before |",
        "|---|---|---:|---|---|---|---:|---|",
    ]
    for measurement in run.measurements:
        lines += _rows(measurement, cores=machine.cores)
    lines += [
        "",
        f"*Load before* is the load average of the minute before the benchmark began; above the number of cores its "
        f"figures are marked *{BUSY}* and worth little.",
        "",
        "## Figures that are verdicts over a whole run",
        "",
        "| what | goal | measured by |",
        "|---|---|---|",
    ]
    lines += [f"| {it.what} | {it.goal} | {', '.join(f'`{one}`' for one in it.commands)} |" for it in elsewhere]
    return "\n".join(lines) + "\n"


def _rows(measurement: Measurement, *, cores: int) -> list[str]:
    load = f"{measurement.load_average:.1f}"
    if measurement.load_average > cores:
        load += f", {BUSY}"
    if not measurement.figures:
        return [f"| {measurement.benchmark} | failed, exit code {measurement.exit_code} | | | | | | {load} |"]
    return [
        f"| {measurement.benchmark} | {one.what} | {one.measured:,g} {one.unit} | {goal_text(one)} | {_verdict(one)} "
        f"| {one.beside}: {one.beside_measured:,g} | {ratio_text(one)} | {load} |"
        for one in measurement.figures
    ]


def _verdict(one: Figure) -> str:
    return {None: "", True: "reached", False: "**missed**"}[one.reached]


def exit_code(measurements: Sequence[Measurement]) -> int:
    """0 when all goals were reached, 1 when one was missed, 3 when a benchmark failed."""
    codes = {measurement.exit_code for measurement in measurements}
    if codes - {0, 1}:
        return 3
    return max(codes, default=0)
