"""shopctl drill prove: the same seed once more."""

from typing import Annotated

import typer

from cli.drill.showing import Json, judged

EXAMPLES = """Examples:

  shopctl drill prove

  shopctl drill prove --as-it-stands

The exit code is the verdict: 0 PASS, 1 FAIL, 3 too weak to judge."""


def register(commands: typer.Typer) -> None:
    commands.command("prove", epilog=EXAMPLES)(prove)


def prove(
    as_it_stands: Annotated[
        bool,
        typer.Option("--as-it-stands", help="Mend nothing: show that the harm is stopped by what you did."),
    ] = False,
    json: Json = False,
) -> None:
    """Switch the submitted cause off and play the drill's load again; the invariants say whether that was it.

    With --as-it-stands what is planted stays in, and the fleet as you have left it is put to the test. The services are
    started anew for it; their number stays.
    """
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.drilling import judging, play  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def replay() -> judging.Judged:
        async with Fleet.running() as fleet:
            return await play.prove(fleet, fixed=not as_it_stands, report=terminal.info)

    found = asyncio.run(replay())
    judged(found, json=json)
    raise typer.Exit(found.exit_code)
