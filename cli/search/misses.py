"""shopctl search misses: words that found nothing."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl search misses

  shopctl search misses --json | jq '.[].words'"""

COLUMNS = ("words", "count", "first", "last")
ROWS = 100
PATH = "/api/v1/search/misses"


def register(commands: typer.Typer) -> None:
    commands.command("misses", epilog=EXAMPLES)(misses)


def misses(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """The 100 words that found nothing most often in the last 30 days, from three times on."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    page = asked(lambda fleet: fleet.call("search", "GET", PATH, params={"limit": ROWS}))
    if json:
        terminal.json(page["items"])
        return
    terminal.table(
        COLUMNS,
        [(miss["words"], miss["times"], miss["first_at"][:10], miss["last_at"][:10]) for miss in page["items"]],
    )
