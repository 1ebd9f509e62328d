"""shopctl saga resume: let a stuck saga go on."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl saga resume 0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11

  shopctl saga resume --all"""


def register(commands: typer.Typer) -> None:
    commands.command("resume", epilog=EXAMPLES)(resume)


def resume(
    order: Annotated[
        str, typer.Argument(metavar="ORDER", help="The order's id, as `shopctl saga list` shows it.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All that are stuck.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Look at a stuck saga at once, after the cause is mended; one that failed gets another minute."""
    from uuid import UUID  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from cli.saga.asking import resumed  # noqa: PLC0415 -- the same
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    if bool(order) == every:
        raise typer.BadParameter("name one order, or give --all")
    try:
        one = UUID(order) if order else None
    except ValueError as error:
        raise typer.BadParameter(f"{order!r} is no order id; shopctl saga list shows them") from error
    sagas = asked(lambda fleet: resumed(fleet, one))
    if json:
        terminal.json(sagas)
    else:
        terminal.ok(f"Resumed: {len(sagas)}.")
