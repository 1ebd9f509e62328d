"""shopctl events lag: what is still open."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl events lag"""
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    app.command("lag", epilog=EXAMPLES)(lag)


def lag(json: Json = False) -> None:
    """How many events each service's consumer is behind, and everything else that is still open."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same
    from scenarios.quiescence import quiesce  # noqa: PLC0415 -- the same

    found = asked(lambda fleet: quiesce(fleet, since=0.0, deadline_s=1.0))
    if json:
        terminal.json(found.waits_for)
    else:
        terminal.table(("waits", "count"), found.waits_for.items())
        terminal.ok("Nothing waits." if found.reached else "Work is open.")
