"""shopctl jobs list: jobs that are not done."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl jobs list

  shopctl jobs list --dead

  shopctl jobs list --json | jq '.[].key'"""


def register(commands: typer.Typer) -> None:
    commands.command("list", epilog=EXAMPLES)(list_jobs)


def list_jobs(
    dead: Annotated[bool, typer.Option("--dead", help="Only dead jobs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Jobs that wait, run, are on a timetable, or are dead: their attempts are used up."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from cli.jobs.asking import COLUMNS, running_board, table_row  # noqa: PLC0415 -- the same
    from shared.jobs_queue import JobRow  # noqa: PLC0415 -- the same

    async def ask() -> list[JobRow]:
        async with running_board() as board:
            return [row for row in await board.rows() if row.state == "dead" or not dead]

    rows = asyncio.run(ask())
    if json:
        terminal.json([msgspec.to_builtins(row) for row in rows])
    else:
        terminal.table(COLUMNS, map(table_row, rows))
