"""Runs every benchmark, one after the other: `python -m loadtests.benchmarks [NAME …] [--markdown FILE] [--json FILE]`.

Each runs in a process of its own, so that none measures what another left in memory, and begins when the machine has
come to rest, or `--settle` seconds later.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from loadtests.benchmarks.figures_page import Measurement, Run, exit_code, page, this_machine
from loadtests.benchmarks.reporting import Told

BENCHMARKS = (
    "gateway_overhead",
    "endpoint_cost",
    "hot_row",
    "single_flight",
    "boot",
    "memory",
    "reading",
    "checkout_cost",
    "event_latency",
    "seed_rate",
)
"""In the order of their cost."""
RUN_SECONDS_MAX = 900
STOP_SECONDS_MAX = 90
SETTLE_SECONDS = 90.0
LOOK_EVERY_S = 1.0
FAILED = 70


def measured(name: str, directory: Path, *, settle_s: float) -> Measurement:
    """Run one benchmark: 0 its goals were reached, 1 one was missed, anything else it failed."""
    load_average = settle(settle_s)
    print(f"— {name} (load average {load_average:.1f})", flush=True)
    report = directory / f"{name}.json"
    command = [sys.executable, "-m", f"loadtests.benchmarks.{name}", "--json", str(report)]
    code = run(command)
    told = msgspec.json.decode(report.read_bytes(), type=Told) if report.exists() else None
    return Measurement(
        benchmark=name,
        exit_code=code if told or code not in {0, 1} else FAILED,
        load_average=round(load_average, 1),
        figures=told.figures if told else (),
        report=told.report if told else msgspec.Raw(b"null"),
    )


def run(command: list[str], *, seconds_max: float = RUN_SECONDS_MAX) -> int:
    """The exit code; one that takes too long is interrupted, so that it stops what it has started."""
    child = subprocess.Popen(command)  # noqa: S603 our own modules
    try:
        return child.wait(seconds_max)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return FAILED


def settle(seconds_max: float) -> float:
    """The load average once it is no more than the cores, or after so many seconds."""
    until = time.monotonic() + seconds_max
    while os.getloadavg()[0] > this_machine().cores and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
    return os.getloadavg()[0]


def main() -> int:
    """0 when all goals were reached, 1 when one was missed, 3 when a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and reports here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write one table of all figures here")
    parser.add_argument(
        "--settle", type=float, default=SETTLE_SECONDS, metavar="SECONDS", help="wait so long for a machine at rest"
    )
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        measurements = tuple(
            measured(name, Path(directory), settle_s=given.settle) for name in given.names or BENCHMARKS
        )
    done = Run(
        at=began,
        command=" ".join(["python -m loadtests.benchmarks", *given.names]),
        machine=this_machine(),
        measurements=measurements,
    )
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(done)) + b"\n")
    if given.markdown:
        given.markdown.write_text(page(done))
    return exit_code(measurements)


if __name__ == "__main__":
    sys.exit(main())
