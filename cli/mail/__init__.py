"""shopctl mail: what the shop sent, as the mail catcher has it."""

import typer

from cli.mail import list as list_command
from cli.mail import show


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Look at the mails that were sent.")
    for command in (list_command, show):
        command.register(commands)
    app.add_typer(commands, name="mail")
