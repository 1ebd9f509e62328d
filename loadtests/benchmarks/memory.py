"""What the whole stack holds: memory after a seeding and after a full flash sale, and the CPU it uses at rest.

Memory is the sum of the proportional set sizes, so that pages that processes share count once. The floor is as many
bare Litestar processes as there are services, measured beside the fleet.
Run: `python -m loadtests.benchmarks.memory [--json FILE]`.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from compose.memory import family_pss_bytes
from loadtests.benchmarks.own_fleet import SEED, Idle, idle, own_fleet, rest
from loadtests.benchmarks.own_process import own_process, until_ok
from loadtests.benchmarks.process_cpu import ms_each, spent, usage
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from scenarios.drills import SCENARIOS
from scenarios.fleet import Fleet
from scenarios.plan import FULL, QUICK
from scenarios.runner import RunOptions, run

GOAL_ALL_MB = 1_000.0
GOAL_ENGINES_MB = 450.0
GOAL_SERVICES_MB = 500.0
GOAL_IDLE_PERCENT = 5.0
MB = 1_000_000
SALE = "flash-sale"
BARE_PORTS = 200


class Held(msgspec.Struct, frozen=True):
    """Megabytes by kind of process and by process, the largest first."""

    all: float
    kinds: dict[str, float]
    processes: dict[str, float]


class Bare(msgspec.Struct, frozen=True):
    """As many bare processes: megabytes together, and what they use at rest."""

    processes: int
    megabytes: float
    idle_percent: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`sale` is what the sale came to; `after_sale` is None where none was played."""

    benchmark: str = "memory"
    size: str
    floor: Bare
    seeded: Held
    sale: str
    after_sale: Held | None
    idle_percent: float
    idle_ms_per_s: dict[str, float]
    goal_all_mb: float = GOAL_ALL_MB
    goal_engines_mb: float = GOAL_ENGINES_MB
    goal_services_mb: float = GOAL_SERVICES_MB
    goal_idle_percent: float = GOAL_IDLE_PERCENT

    @property
    def figures(self) -> tuple[Figure, ...]:
        bare = (f"{self.floor.processes} bare Litestar processes", self.floor.megabytes)
        found: list[Figure] = []
        moments = {f"after seed {self.size}": self.seeded, "two minutes after a full sale": self.after_sale}
        for when, held in moments.items():
            if held:
                parts = (
                    ("the whole stack", held.all, self.goal_all_mb),
                    ("its engines", held.kinds["engine"], self.goal_engines_mb),
                    ("its services", held.kinds["service"], self.goal_services_mb),
                )
                found += [
                    figure(f"memory (PSS) {when}: {what}", "MB", measured=amount, beside=bare, goal=goal)
                    for what, amount, goal in parts
                ]
        found.append(
            figure(
                f"CPU at rest after seed {self.size}", "% of a core",
                measured=self.idle_percent, beside=(bare[0], self.floor.idle_percent), goal=self.goal_idle_percent,
            )
        )  # fmt: skip
        return tuple(found)

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, size: str, idle_s: float, sale: str, after_sale_s: float, port_base: int) -> Report:
    """Boot, seed, look; play the form `sale` of the flash sale where one is named, wait, look again; stop."""
    with tempfile.TemporaryDirectory(prefix="memory-") as directory:
        home = Path(directory)
        async with own_fleet(home / "home", port_base=port_base, size=size) as fleet:
            services = sum(process.kind == "service" for process in fleet.stack.processes)
            seeded = await held_by(fleet)
            used = await idle(fleet.stack, seconds=idle_s)
            floor = await bare_processes(home, services, port_base=port_base + BARE_PORTS, idle_s=idle_s)
            verdict, after = "", None
            if sale:
                verdict = await play_sale(fleet, sale)
                await rest(fleet)
                await asyncio.sleep(after_sale_s)
                after = await held_by(fleet)
    return Report(
        size=size,
        floor=floor,
        seeded=seeded,
        sale=verdict,
        after_sale=after,
        idle_percent=round(used.percent_of_a_core, 2),
        idle_ms_per_s=_each_second(used),
    )


async def held_by(fleet: Fleet) -> Held:
    """What the processes of a fleet hold now, as its supervisor sums it."""
    status = await asyncio.to_thread(fleet.control.status)
    kinds = {kind: round(amount / MB, 1) for kind, amount in status["pss_bytes"].items() if kind != "all"}
    by_name = {row["name"]: round(row["pss_bytes"] / MB, 1) for row in status["processes"]}
    return Held(
        round(status["pss_bytes"]["all"] / MB, 1), kinds, dict(sorted(by_name.items(), key=lambda item: -item[1]))
    )


async def bare_processes(home: Path, count: int, *, port_base: int, idle_s: float) -> Bare:
    """So many processes that only answer that they are there."""
    with contextlib.ExitStack() as started:
        bare: dict[int, str] = {}
        for number in range(count):
            process = started.enter_context(
                own_process(home, f"bare-{number}", "loadtests.benchmarks.bare_handler", str(port_base + number))
            )
            bare[process.pid] = "bare"
        for number in range(count):
            await until_ok(f"http://127.0.0.1:{port_base + number}/ready")
        megabytes = sum(family_pss_bytes(pid) for pid in bare) / MB
        before = usage(bare)
        await asyncio.sleep(idle_s)
        used = spent(before, usage(bare)).get("bare", 0.0)
    return Bare(count, round(megabytes, 1), round(used / idle_s * 100, 2))


async def play_sale(fleet: Fleet, form: str) -> str:
    """The verdict of one healthy flash sale."""
    (scenario,) = [known for known in SCENARIOS if known.id == SALE]
    return (await run(fleet, scenario, RunOptions(seed=SEED, form=form))).verdict.outcome


def _each_second(used: Idle) -> dict[str, float]:
    return {name: ms for name, ms in ms_each(used.used, max(1, round(used.seconds))).items() if ms >= 0.1}


def table(report: Report) -> str:
    """The report for people."""
    lines: list[str] = []
    moments = {f"after seed {report.size}": report.seeded, f"after a sale ({report.sale})": report.after_sale}
    for when, held in moments.items():
        if held:
            lines.append(f"{when}: {held.all:.0f} MB, " + ", ".join(f"{k} {mb:.0f}" for k, mb in held.kinds.items()))
            lines.append("  " + ", ".join(f"{name} {mb:.0f}" for name, mb in held.processes.items()))
    lines.append(f"{report.floor.processes} bare Litestar processes: {report.floor.megabytes:.0f} MB")
    lines.append(
        f"at rest {report.idle_percent:.1f} % of a core; CPU-ms per second: "
        + ", ".join(f"{name} {ms:.1f}" for name, ms in report.idle_ms_per_s.items())
    )
    return "\n".join(lines)


def main() -> int:
    """0 when the goals were reached, 1 when one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="m", choices=("s", "m", "l"))
    parser.add_argument("--idle-seconds", type=float, default=30.0)
    parser.add_argument("--sale", default=FULL, choices=("", QUICK, FULL), help="the form that is played; empty: none")
    parser.add_argument("--after-sale-seconds", type=float, default=120.0)
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(
            size=given.size,
            idle_s=given.idle_seconds,
            sale=given.sale,
            after_sale_s=given.after_sale_seconds,
            port_base=given.port_base,
        )
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
