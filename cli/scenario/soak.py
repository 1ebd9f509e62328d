"""shopctl scenario soak: many kills under load, each timed to its recovery."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.scenario.options import Json

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.plan import Scenario
    from scenarios.runner import RunOptions, RunResult
    from scenarios.soak import Soak

EXAMPLES = """Examples:

  shopctl scenario soak --kills 20

  shopctl scenario soak --kills 200 --seed 7

Stopped in the middle, the same command goes on with the leg that it lacks.

The exit code is 0 when no invariant is violated and 95 % of the kills are recovered from in 5 s, 1 when not, 3 when a
leg was too weak to judge."""


def register(commands: typer.Typer) -> None:
    commands.command("soak", epilog=EXAMPLES)(soak)


def soak(
    kills: Annotated[int, typer.Option(min=1, max=10_000, help="Processes to kill, one after the other.")] = 200,
    per_leg: Annotated[int, typer.Option(min=1, max=1_000, help="Kills between two judgements at most.")] = 20,
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 1,
    json: Json = False,
) -> None:
    """Kill every process of the fleet in turn while people shop; time each recovery, judge all of it."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import resumable, runner  # noqa: PLC0415 -- the same
    from scenarios import soak as soaks  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    choice = soaks.Choice(kills=kills, per_leg=per_leg, seed=seed)

    async def play() -> "tuple[Soak, Path]":
        async with Fleet.running() as fleet:
            folder = fleet.layout.home / soaks.FOLDER
            directory = resumable.open_directory(folder, choice, result=soaks.RESULT)

            async def leg(scenario: "Scenario", options: "RunOptions") -> "RunResult":
                return await runner.run(fleet, scenario, options)

            with terminal.progress() as bars:

                def tell(what: str, done: int, total: int) -> None:
                    terminal.info(f"{what}, {done} of {total} kills")
                    bars.report("kills", done, total)

                return await soaks.soak(fleet, choice, directory, leg, tell), directory

    found, directory = asyncio.run(play())
    _write(found, directory)
    _tell(found, directory, json=json)
    raise typer.Exit(found.exit_code)


def _write(found: "Soak", directory: "Path") -> None:
    """The result in three forms; the last one written says that the soak is finished."""
    from scenarios.report import soak_page  # noqa: PLC0415 -- quick --help
    from scenarios.resumable import write_result  # noqa: PLC0415 -- the same
    from scenarios.soak import RESULT  # noqa: PLC0415 -- the same

    (directory / "soak.html").write_text(soak_page.page(found), encoding="utf-8")
    (directory / "soak.md").write_text(soak_page.markdown(found), encoding="utf-8")
    write_result(directory / RESULT, found)


def _tell(found: "Soak", directory: "Path", *, json: bool) -> None:
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.soak import seconds  # noqa: PLC0415 -- the same

    if json:
        terminal.json({"directory": str(directory), **msgspec.to_builtins(found)})
        return
    terminal.table(
        ("killed", "count", "p50", "p95", "longest", "waited longest for"),
        [
            (it.name, it.kills, seconds(it.p50_s), seconds(it.p95_s), seconds(it.max_s), it.slowest)
            for it in (*found.components, found.all)
        ],
    )
    for leg in found.legs:
        for reason in (*leg.failed, *leg.weaknesses):
            terminal.warn(f"leg {leg.number}, {leg.outcome}: {reason}; {leg.directory}")
    for sentence in found.said:
        terminal.line(sentence)
    say = terminal.ok if not found.exit_code else terminal.warn
    say(f"{found.outcome}  {found.kills} kills")
    terminal.line(f"report: {directory / 'soak.html'}")
