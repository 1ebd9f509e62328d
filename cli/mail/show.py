"""shopctl mail show: one mail."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl mail show 12"""
NOT_FOUND = 404


def register(app: typer.Typer) -> None:
    app.command("show", epilog=EXAMPLES)(show)


def show(number: Annotated[int, typer.Argument(help="The mail's number in the list.")]) -> None:
    """One mail, as it was received."""
    import json as library  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.fleet import FleetRefusedError, asked  # noqa: PLC0415 -- the same

    try:
        mail = asked(lambda fleet: fleet.world("catcher", "GET", f"/mail/{number}"))
    except FleetRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        raise OperatorError(
            "mail.unknown", f"There is no mail {number}.", mend="See: shopctl mail list.", exit_code=2
        ) from error
    terminal.line(mail.get("text") or library.dumps(mail, indent=2))
