"""shopctl scenario list: the incidents there are."""

import typer

from cli.scenario.options import Json

EXAMPLES = """Examples:

  shopctl scenario list

  shopctl scenario list --json"""


def register(commands: typer.Typer) -> None:
    commands.command("list", epilog=EXAMPLES)(list_scenarios)


def list_scenarios(json: Json = False) -> None:
    """Name the incidents and how many defects each can plant."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.drills import SCENARIOS  # noqa: PLC0415 -- the same

    rows = [(scenario.id, scenario.title, len(scenario.defects)) for scenario in SCENARIOS]
    if json:
        terminal.json([dict(zip(("id", "title", "defects"), row, strict=True)) for row in rows])
    else:
        terminal.table(("scenario", "title", "defects"), rows)
