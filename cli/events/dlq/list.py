"""shopctl events dlq list: the newest dead letters."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl events dlq list"""
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    app.command("list", epilog=EXAMPLES)(list_letters)


def list_letters(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50, json: Json = False) -> None:
    """The newest dead letters of every service."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same
    from scenarios.letters import dead_letters  # noqa: PLC0415 -- the same

    found = asked(lambda fleet: dead_letters(fleet, per_service_max=limit))
    if json:
        terminal.json(found)
        return
    terminal.table(
        ("consumer", "event", "from", "reason", "attempts", "parked", "redriven"),
        [
            (
                row["consumer"],
                row["event_id"],
                f"{row['topic']}/{row['partition']}@{row['offset_']}",
                row["reason"],
                row["attempts"],
                "yes" * row["parked"],
                "yes" * bool(row["redriven_at"]),
            )
            for row in found
        ],
    )
