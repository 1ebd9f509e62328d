"""shopctl saga: orders that do not come to an end by themselves."""

import typer

from cli.saga import list as list_command
from cli.saga import resume


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Sagas of orders that are stuck.")
    for command in (list_command, resume):
        command.register(commands)
    app.add_typer(commands, name="saga")
