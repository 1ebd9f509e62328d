"""shopctl drill hint: one of three hints, for points."""

import typer

from cli.drill.showing import Json

EXAMPLES = """Examples:

  shopctl drill hint"""


def register(commands: typer.Typer) -> None:
    commands.command("hint", epilog=EXAMPLES)(hint)


def hint(json: Json = False) -> None:
    """Give the next of three hints, from direction to location; each costs points."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose.control import Control  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios.drilling import play  # noqa: PLC0415 -- the same
    from scenarios.drilling.hints import HINTS_MAX  # noqa: PLC0415 -- the same
    from scenarios.drilling.scoring import HINT_COSTS  # noqa: PLC0415 -- the same

    layout = layout_of()
    number, text = play.hint(layout, Control(layout))
    if json:
        terminal.json({"hint": number, "of": HINTS_MAX, "costs": HINT_COSTS, "text": text})
    else:
        terminal.line(text)
        terminal.info(f"Hint {number} of {HINTS_MAX}, {HINT_COSTS} points.")
