"""From nothing to all ready: the first `up` of a home and the second, beside the slowest of its engines alone.

Cold is a home that does not exist yet, warm the next start of the same; engines are downloaded already in both. The
floor is each engine by itself, in a home of its own, in alternating rounds: no stack is ready before its slowest one.
Run: `python -m loadtests.benchmarks.boot [--json FILE]`.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from compose import launch, state
from compose.engines import ENGINES, boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell

GOAL_COLD_S = 9.0
GOAL_WARM_S = 4.0


class Measured(msgspec.Struct, frozen=True):
    """Seconds of one kind of start: the median round, all rounds, and what each part took in the last one."""

    seconds: float
    rounds: list[float]
    parts: dict[str, float]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`floor` is the slowest engine's warm start, `floor_cold` its cold one."""

    benchmark: str = "boot"
    cold: Measured
    warm: Measured
    floor_cold: Measured
    floor: Measured
    goal_cold_s: float = GOAL_COLD_S
    goal_warm_s: float = GOAL_WARM_S

    @property
    def figures(self) -> tuple[Figure, ...]:
        rows = (
            ("the second `up`", self.warm, self.floor, self.goal_warm_s),
            ("the first `up` of a home, engines downloaded", self.cold, self.floor_cold, self.goal_cold_s),
        )
        return tuple(
            figure(
                f"boot to all ready: {what}", "s",
                measured=stack.seconds, beside=("the slowest engine alone", floor.seconds), goal=goal,
            )
            for what, stack, floor, goal in rows
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, rounds: int, port_base: int) -> Report:
    """Start and stop engines and whole stacks, each in a home that is deleted afterwards."""
    stacks: dict[str, list[tuple[float, dict[str, float]]]] = {"cold": [], "warm": []}
    engines: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="boot-") as directory:
            for kind in ("cold", "warm"):
                engines[kind].append(await _engines(Path(directory) / "engines", port_base))
            home = Path(directory) / "home"
            try:
                for kind in ("cold", "warm"):
                    stacks[kind].append(await asyncio.to_thread(_stack, home, port_base))
            finally:
                await asyncio.to_thread(launch.down, home, wipe=True)
    return Report(
        cold=_of_stack(stacks["cold"]),
        warm=_of_stack(stacks["warm"]),
        floor_cold=slowest(engines["cold"]),
        floor=slowest(engines["warm"]),
    )


async def _engines(home: Path, port_base: int) -> dict[str, float]:
    """Seconds until each engine answers, started while nothing else is."""
    seconds: dict[str, float] = {}
    for name in ENGINES:
        running = await boot(Layout(home, default_cache(), port_base), only=(name,))
        seconds[name] = running.engines[name].boot_seconds
        await running.stop()
    return seconds


def _stack(home: Path, port_base: int) -> tuple[float, dict[str, float]]:
    """Seconds of an `up` from its call to its answer, and those of each part, as the supervisor told them."""
    began = time.monotonic()
    launch.up(home, port_base=port_base)
    seconds = time.monotonic() - began
    parts = dict(state.running(home)[1].timings_s)
    launch.down(home)
    return seconds, parts


def _of_stack(rounds: list[tuple[float, dict[str, float]]]) -> Measured:
    seconds = [round(took, 2) for took, _ in rounds]
    return Measured(round(statistics.median(seconds), 2), seconds, rounds[-1][1])


def slowest(rounds: list[dict[str, float]]) -> Measured:
    """Of the engine that takes longest by its median round."""
    medians = {name: round(statistics.median(of[name] for of in rounds), 2) for name in rounds[0]}
    name = max(medians, key=medians.__getitem__)
    return Measured(medians[name], [round(of[name], 2) for of in rounds], medians)


def table(report: Report) -> str:
    """The report for people."""
    rows = (
        ("engine alone, cold", report.floor_cold),
        ("engine alone, warm", report.floor),
        ("stack, cold", report.cold),
        ("stack, warm", report.warm),
    )
    return "\n".join(
        f"{name:20}{row.seconds:7.2f} s   rounds {' '.join(f'{one:.2f}' for one in row.rounds)}   "
        + ", ".join(f"{part} {took:.2f}" for part, took in sorted(row.parts.items(), key=lambda item: -item[1])[:6])
        for name, row in rows
    )


def main() -> int:
    """0 when the goals were reached, 1 when one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(measure(rounds=given.rounds, port_base=given.port_base))
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
