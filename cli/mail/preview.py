"""shopctl mail preview: the shop's letters, before anybody gets one."""

from typing import Annotated, Any

import typer

EXAMPLES = """Examples:

  shopctl mail preview

  shopctl mail preview order_paid --locale de

  shopctl mail preview order_paid --html"""
COLUMNS = ("template", "topic", "channels", "version", "languages")
PATH = "/api/v1/notifications/templates"
BAD_REQUEST, NOT_FOUND = 400, 404


def register(app: typer.Typer) -> None:
    app.command("preview", epilog=EXAMPLES)(preview)


def preview(
    template: Annotated[str, typer.Argument(help="The template; without one, all are listed.")] = "",
    locale: Annotated[str, typer.Option(help="The language of the reader.")] = "en",
    html: Annotated[bool, typer.Option("--html", help="Print the page, for a browser.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """One template with a sample, as a reader would get it; nothing is sent."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    if not template:
        listed = asked(lambda fleet: fleet.call("notifications", "GET", PATH))["items"]
        if json:
            terminal.json(listed)
        else:
            terminal.table(COLUMNS, [_row(one) for one in listed])
        return
    shown = _shown(template, locale)
    if json:
        terminal.json(shown)
    elif html:
        terminal.line(shown["mail"]["html"])
    else:
        terminal.line(f"{shown['mail']['subject']}\n\n{shown['mail']['text']}")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    return one["template"], one["topic"], ", ".join(one["channels"]), one["version"], ", ".join(one["locales"])


def _shown(template: str, locale: str) -> dict[str, Any]:
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import FleetRefusedError, asked  # noqa: PLC0415 -- the same

    path = f"{PATH}/{template}/preview"
    try:
        return asked(lambda fleet: fleet.call("notifications", "GET", path, params={"locale": locale}))
    except FleetRefusedError as error:
        what = {NOT_FOUND: f"template {template}", BAD_REQUEST: f"letter in the language {locale}"}.get(error.status)
        if what is None:
            raise
        raise OperatorError("template.unknown", f"There is no {what}.", mend="See: shopctl mail preview.") from error
