"""shopctl mail: what the shop sent, as the mail catcher has it."""

from typing import Annotated, Any

import typer

LIST_EXAMPLES = """Examples:

  shopctl mail list

  shopctl mail list --to user-00001@shopstream.example"""
SHOW_EXAMPLES = """Examples:

  shopctl mail show 12"""
NOT_FOUND = 404


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Look at the mails that were sent.")
    commands.command("list", epilog=LIST_EXAMPLES)(list_mails)
    commands.command("show", epilog=SHOW_EXAMPLES)(show)
    app.add_typer(commands, name="mail")


def list_mails(
    to: Annotated[str, typer.Option(help="Only mails to this address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """The newest mails first."""
    from urllib.parse import urlencode  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- quick --help

    mails = _ask("/mail?" + urlencode({"limit": limit, **({"to": to} if to else {})}))["items"]
    if json:
        terminal.json(mails)
        return
    terminal.table(
        ("n", "to", "subject", "template", "order"),
        [(m["n"], ", ".join(m["to"]), m.get("subject"), m.get("template"), m.get("order_id")) for m in mails],
    )


def show(number: Annotated[int, typer.Argument(help="The mail's number in the list.")]) -> None:
    """One mail, as it was received."""
    import json as library  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.fleet import FleetRefusedError  # noqa: PLC0415 -- the same

    try:
        mail = _ask(f"/mail/{number}")
    except FleetRefusedError as error:
        if error.status != NOT_FOUND:
            raise
        raise OperatorError(
            "mail.unknown", f"There is no mail {number}.", mend="See: shopctl mail list.", exit_code=2
        ) from error
    terminal.line(mail.get("text") or library.dumps(mail, indent=2))


def _ask(path: str) -> Any:
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def ask() -> Any:
        async with Fleet.running() as fleet:
            return await fleet.world("catcher", "GET", path)

    return asyncio.run(ask())
