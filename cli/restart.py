"""shopctl restart: stop and start one service, instance, engine or the world."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl restart inventory

  shopctl restart inventory-2

  shopctl restart kafka"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(restart)


def restart(
    service: Annotated[str, typer.Argument(help="A service (all its instances), an instance, an engine or world.")],
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Restart one process and wait until it is ready.

    A service reads the fault overlay anew.
    """
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import stack, state  # noqa: PLC0415 -- the same
    from compose.control import Control  # noqa: PLC0415 -- the same

    stack.load().check_process(service)
    layout, _ = state.running()
    with terminal.working(f"Restarting {service}"):
        done = Control(layout).restart(service)
    if json:
        terminal.json(done)
    terminal.ok(f"Ready again: {', '.join(done['restarted'])}.")
