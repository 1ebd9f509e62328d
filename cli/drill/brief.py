"""shopctl drill brief: the symptoms once more."""

from typing import Annotated

import typer

from cli.drill.showing import Json, brief_of

EXAMPLES = """Examples:

  shopctl drill brief

  shopctl drill brief --html

  shopctl drill brief --json | jq .brief.alerts"""


def register(commands: typer.Typer) -> None:
    commands.command("brief", epilog=EXAMPLES)(brief)


def brief(
    html: Annotated[bool, typer.Option("--html", help="Say where the page is.")] = False,
    json: Json = False,
) -> None:
    """Show what anybody on call would see: alerts, graphs, logs, mail."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios.drilling import pages, record, texts  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same

    layout = layout_of()
    drill = record.current(layout)
    incident = scenario(drill.incident)
    if json:
        terminal.json(brief_of(drill))
    elif html:
        terminal.line(str(pages.write_brief(layout, drill, incident)))
    else:
        for line in texts.brief_lines(drill, incident):
            terminal.line(line)
