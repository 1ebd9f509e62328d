"""shopctl drill: an incident for people, with a hidden defect, a clock and a score."""

import typer

from cli.drill import brief, hint, prove, report, roll_back, start, status, submit


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="An incident to be found, mended and proved, against the clock.")
    for command in (start, brief, hint, status, submit, roll_back, prove, report):
        command.register(commands)
    app.add_typer(commands, name="drill")
