"""shopctl fault: faults of the environment by hand."""

import typer

from cli.fault import heal, inject
from cli.fault import list as list_command


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Faults of the environment by hand.")
    for command in (list_command, inject, heal):
        command.register(commands)
    app.add_typer(commands, name="fault")
