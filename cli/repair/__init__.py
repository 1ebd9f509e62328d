"""shopctl repair: undo damage exactly once."""

import typer

from cli.repair import charges, events, oversell, projections


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Undo damage exactly once.")
    oversell.register(commands)
    charges.register(commands)
    events.register(commands)
    projections.register(commands)
    app.add_typer(commands, name="repair")
