"""shopctl events dlq: what could not be applied."""

import typer

from cli.events.dlq import list as list_command
from cli.events.dlq import redrive


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Dead letters.")
    for command in (list_command, redrive):
        command.register(commands)
    app.add_typer(commands, name="dlq")
