"""shopctl down: stop everything in order."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl down

  shopctl down --wipe"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(down)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also delete all data, logs, runs and secrets.")] = False,
) -> None:
    """Stop everything cleanly.

    Leaves no process behind. Safe to repeat.
    """
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import launch  # noqa: PLC0415 -- the same

    with terminal.working("Stopping"):
        ran = launch.down(wipe=wipe)
    terminal.ok(("Stopped" if ran else "Nothing was running") + ("; all data wiped." if wipe else "."))
