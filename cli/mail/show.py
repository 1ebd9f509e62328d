"""shopctl mail show: one mail."""

from typing import Annotated, Any

import typer

EXAMPLES = """Examples:

  shopctl mail show 12

  shopctl mail show --to user-00001@shopstream.example"""
NOT_FOUND = 404


def register(app: typer.Typer) -> None:
    app.command("show", epilog=EXAMPLES)(show)


def show(
    number: Annotated[int | None, typer.Argument(help="The mail's number in the list.")] = None,
    to: Annotated[str, typer.Option(help="In place of a number: the newest mail to this address.")] = "",
) -> None:
    """One mail, as it was received."""
    import json as library  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    if (number is None) == (not to):
        raise typer.BadParameter("name one mail: its number, or --to an address")
    mail = _mail(_newest(to) if number is None else number)
    terminal.line(mail.get("text") or library.dumps(mail, indent=2))


def _newest(to: str) -> int:
    from urllib.parse import urlencode  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    path = "/mail?" + urlencode({"limit": 1, "to": to})
    mails = asked(lambda fleet: fleet.world("catcher", "GET", path))["items"]
    if not mails:
        raise _unknown(f"There is no mail to {to}.")
    return mails[0]["n"]


def _mail(number: int) -> dict[str, Any]:
    from scenarios.fleet import FleetRefusedError, asked  # noqa: PLC0415 -- quick --help

    try:
        return asked(lambda fleet: fleet.world("catcher", "GET", f"/mail/{number}"))
    except FleetRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        raise _unknown(f"There is no mail {number}.") from error


def _unknown(what: str) -> Exception:
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help

    return OperatorError("mail.unknown", what, mend="See: shopctl mail list.")
