"""shopctl events: what is on the broker, who is behind, and what could not be applied."""

import typer

from cli.events import contract, dlq, lag, tail


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Events, lag and dead letters.")
    for command in (tail, lag, contract, dlq):
        command.register(commands)
    app.add_typer(commands, name="events")
