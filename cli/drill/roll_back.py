"""shopctl drill roll-back: the release before, in one service."""

from typing import Annotated

import typer

from cli.drill.showing import Json, status_of

EXAMPLES = """Examples:

  shopctl drill roll-back inventory

What is planted in the service is out of it, until `shopctl drill prove` mends the cause instead."""


def register(commands: typer.Typer) -> None:
    commands.command("roll-back", epilog=EXAMPLES)(roll_back)


def roll_back(
    service: Annotated[str, typer.Argument(help="The service whose last release is taken back.")],
    json: Json = False,
) -> None:
    """Run the release before in one service; `drill prove --as-it-stands` shows whether that stops the harm.

    Every service of the incident starts anew for it, so that nothing is told by it.
    """
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import stack  # noqa: PLC0415 -- the same
    from scenarios.drilling import play  # noqa: PLC0415 -- the same
    from scenarios.drilling.record import Drill  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    stack.load().check_service(service)

    async def deploy() -> Drill:
        async with Fleet.running() as fleet:
            return await play.roll_back(fleet, service, report=terminal.info)

    drill = asyncio.run(deploy())
    if json:
        terminal.json(status_of(drill))
    else:
        terminal.ok(f"The release before runs in {', '.join(drill.rolled_back)}.")
