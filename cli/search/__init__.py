"""shopctl search: the index of the products, and what was searched for in vain."""

import typer

from cli.search import misses, reindex


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="The search index, and words that found nothing.")
    for command in (reindex, misses):
        command.register(commands)
    app.add_typer(commands, name="search")
