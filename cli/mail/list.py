"""shopctl mail list: the newest mails."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl mail list

  shopctl mail list --to user-00001@shopstream.example"""


def register(app: typer.Typer) -> None:
    app.command("list", epilog=EXAMPLES)(list_mails)


def list_mails(
    to: Annotated[str, typer.Option(help="Only mails to this address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """The newest mails first."""
    from urllib.parse import urlencode  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    path = "/mail?" + urlencode({"limit": limit, **({"to": to} if to else {})})
    mails = asked(lambda fleet: fleet.world("catcher", "GET", path))["items"]
    if json:
        terminal.json(mails)
        return
    terminal.table(
        ("n", "to", "subject", "template", "order"),
        [(m["n"], ", ".join(m["to"]), m.get("subject"), m.get("template"), m.get("order_id")) for m in mails],
    )
