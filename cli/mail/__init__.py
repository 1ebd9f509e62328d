"""shopctl mail: what the shop sent, as the mail catcher has it, and what it would send."""

import typer

from cli.mail import list as list_command
from cli.mail import preview, show


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Look at mails that were sent, or would be.")
    for command in (list_command, show, preview):
        command.register(commands)
    app.add_typer(commands, name="mail")
