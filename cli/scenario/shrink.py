"""shopctl scenario shrink: a smaller run that still fails."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.scenario.options import Json

if TYPE_CHECKING:
    from scenarios.shrinking import Shrunk

EXAMPLES = """Examples:

  shopctl scenario shrink latest

  shopctl scenario shrink 20260101T120000Z-flash-sale-1 --runs 40

Stopped or out of runs, the same command goes on where it was."""


def register(commands: typer.Typer) -> None:
    commands.command("shrink", epilog=EXAMPLES)(shrink)


def shrink(
    run: Annotated[str, typer.Argument(help="A run that failed, by directory or name, or `latest`.")] = "latest",
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="Runs to play at most.")] = 24,
    json: Json = False,
) -> None:
    """Search a smaller run with the same seed that still fails, and print the command that plays it."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios import runner, shrinking  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.run_directory import find_run  # noqa: PLC0415 -- the same

    failed = shrinking.failed_run(find_run(layout_of().runs, run))

    async def search() -> "Shrunk":
        async with Fleet.running() as fleet:

            async def play(options: runner.RunOptions) -> runner.RunResult:
                return await runner.run(fleet, failed.scenario, options)

            return await shrinking.shrink(failed, play, terminal.info, runs_max=runs)

    found = asyncio.run(search())
    if json:
        terminal.json(msgspec.to_builtins(found))
        return
    if not found.finished:
        terminal.warn(f"{found.runs} runs were not enough to finish: the same command goes on.")
    terminal.line(found.command)
