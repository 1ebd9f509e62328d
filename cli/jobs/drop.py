"""shopctl jobs drop: forget dead jobs."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl jobs drop notifications:send_mail:0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11

  shopctl jobs drop --all"""


def register(commands: typer.Typer) -> None:
    commands.command("drop", epilog=EXAMPLES)(drop)


def drop(
    key: Annotated[str, typer.Argument(help="As `shopctl jobs list` names it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All dead jobs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Forget one dead job, or all of them."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from cli.jobs.asking import running_board  # noqa: PLC0415 -- the same
    from shared.jobs_queue import JobRow  # noqa: PLC0415 -- the same

    if bool(key) == every:
        raise typer.BadParameter("name one job, or give --all")

    async def carry_out() -> list[JobRow]:
        async with running_board() as board:
            keys = [row.key for row in await board.rows() if row.state == "dead"] if every else [key]
            return [await board.drop(one) for one in keys]

    rows = asyncio.run(carry_out())
    if json:
        terminal.json([msgspec.to_builtins(row) for row in rows])
    else:
        terminal.ok(f"Dropped: {len(rows)}.")
