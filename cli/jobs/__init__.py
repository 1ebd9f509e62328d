"""shopctl jobs: what waits in the queues, and what ended there as a dead job."""

import typer

from cli.jobs import drop, retry
from cli.jobs import list as list_command


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Jobs in the queues, and dead ones.")
    for command in (list_command, retry, drop):
        command.register(commands)
    app.add_typer(commands, name="jobs")
