"""shopctl drill start: plant what nobody names, play the load, start the clock."""

from typing import Annotated

import typer

from cli.drill.showing import Json, brief_of

EXAMPLES = """Examples:

  shopctl drill start flash-sale

  shopctl drill start flash-sale --level 3

  shopctl drill start double-charge --level 1 --seed 7 --quick --json

Level 1 tells a first direction, 2 gives all signals, from 3 on one signal is missing and another misleads; on 4 there
may be nothing wrong at all."""
SEED_MAX = 999_999


def register(commands: typer.Typer) -> None:
    commands.command("start", epilog=EXAMPLES)(start)


def start(
    incident: Annotated[str, typer.Argument(help="A scenario; `shopctl scenario list` names them.")],
    level: Annotated[int, typer.Option(min=1, max=4, help="How hard it is.")] = 2,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEED_MAX, help="The same drill for everybody; drawn when left out.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The short form of the load.")] = False,
    json: Json = False,
) -> None:
    """Begin a drill on the running fleet: its load is played, its brief is shown, the clock starts."""
    import asyncio  # noqa: PLC0415 -- quick --help
    import secrets  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from cli.scenario.options import scenario_named  # noqa: PLC0415 -- the same
    from scenarios.drilling import pages, play, texts  # noqa: PLC0415 -- the same
    from scenarios.drilling.record import Drill  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.plan import FULL, QUICK  # noqa: PLC0415 -- the same

    scenario = scenario_named(incident)
    chosen = secrets.randbelow(SEED_MAX + 1) if seed is None else seed

    async def begin() -> Drill:
        async with Fleet.running() as fleet:
            drill = await play.start(
                fleet, scenario, level=level, seed=chosen, form=QUICK if quick else FULL, report=terminal.info
            )
            pages.write_brief(fleet.layout, drill, scenario)
            return drill

    drill = asyncio.run(begin())
    if json:
        terminal.json(brief_of(drill))
        return
    for line in texts.brief_lines(drill, scenario):
        terminal.line(line)
