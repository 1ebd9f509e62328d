"""shopctl load: how much the shop carries, and whether what it did under load was right."""

import typer

from cli.load import list as list_command
from cli.load import run


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Put the shop under load with Locust and judge the outcome.")
    for command in (list_command, run):
        command.register(commands)
    app.add_typer(commands, name="load")
