"""shopctl saga list: sagas past the deadline of their step, and failed ones."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl saga list

  shopctl saga list --json | jq '.[].order_id'"""


def register(commands: typer.Typer) -> None:
    commands.command("list", epilog=EXAMPLES)(list_sagas)


def list_sagas(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Sagas past the deadline of their step, and those that failed; oldest first."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.saga.asking import COLUMNS, every_stuck, table_row  # noqa: PLC0415 -- the same
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    sagas = asked(every_stuck)
    if json:
        terminal.json(sagas)
        return
    terminal.table(COLUMNS, map(table_row, sagas))
    if sagas:
        terminal.info("Look at one with: shopctl order ORDER; go on with: shopctl saga resume ORDER.")
