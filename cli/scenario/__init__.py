"""shopctl scenario: play an incident, with or without a planted defect, and judge the outcome."""

import typer

from cli.scenario import compare, export, matrix, recheck, run, show, shrink, soak
from cli.scenario import list as list_command


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Run an incident and judge the outcome.")
    for command in (list_command, show, run, recheck, compare, export, shrink, matrix, soak):
        command.register(commands)
    app.add_typer(commands, name="scenario")
