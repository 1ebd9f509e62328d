"""shopctl fault: faults of the environment by hand."""

import typer

from cli.fault import heal, inject, listing


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Faults of the environment by hand.")
    for command in (listing, inject, heal):
        command.register(commands)
    app.add_typer(commands, name="fault")
