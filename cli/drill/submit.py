"""shopctl drill submit: an answer, or a part of it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.drill.showing import Json, status_of

EXAMPLES = """Examples:

  shopctl drill submit --service inventory

  shopctl drill submit --service inventory --cause read-then-write --note "two processes read the same stock"

  shopctl drill submit --impact affected-orders.txt

  shopctl drill submit --impact SO-1001,SO-1002 --money 89.99EUR,450JPY

  shopctl drill submit --cause healthy --impact none

The exit code is 0 when service and cause are right, else 1; how well orders and money are named is told in the
review."""
NONE = "none"


def register(commands: typer.Typer) -> None:
    commands.command("submit", epilog=EXAMPLES)(submit)


def submit(
    service: Annotated[str, typer.Option(help="Where it is wrong.")] = "",
    cause: Annotated[str, typer.Option(help="What is wrong; `shopctl drill brief` names the causes.")] = "",
    note: Annotated[str, typer.Option(help="Your own words, for the review.")] = "",
    impact: Annotated[
        str, typer.Option(help="Affected orders: a file with one in each line, a list with commas, or none.")
    ] = "",
    money: Annotated[
        str, typer.Option(help="What goes back to customers, else what the affected orders come to: 89.99EUR,450JPY.")
    ] = "",
    json: Json = False,
) -> None:
    """Answer where the defect is, what it is, which orders it hit and how much money; wrong answers cost points."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import stack  # noqa: PLC0415 -- the same
    from scenarios.drilling import play  # noqa: PLC0415 -- the same
    from scenarios.drilling.record import Drill, current  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    if not (service or cause or impact or money):
        raise typer.BadParameter("answer something: --service, --cause, --impact or --money")
    if service:
        stack.load().check_service(service)
    orders = _orders(impact) if impact else None
    money_minor = _money(money) if money else None

    async def answer() -> tuple[int, Drill]:
        async with Fleet.running() as fleet:
            wrong_before = current(fleet.layout).wrong
            drill = await play.submit(
                fleet, service=service, cause=cause, note=note, impact=orders, money_minor=money_minor
            )
            return drill.wrong - wrong_before, drill

    wrong, drill = asyncio.run(answer())
    if json:
        terminal.json({"right": wrong == 0, **status_of(drill)})
    elif wrong:
        terminal.warn("That is not it.")
    elif service or cause:
        terminal.ok("That is it.")
    else:
        terminal.ok(f"{len(set(orders or ()))} orders noted." if orders is not None else "Noted.")
    raise typer.Exit(1 if wrong else 0)


def _orders(impact: str) -> list[str]:
    """Numbers or ids: of the file of that name, else as listed."""
    if impact == NONE:
        return []
    text = Path(impact).read_text() if _is_file(impact) else impact.replace(",", "\n")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _money(text: str) -> dict[str, int]:
    """Minor units by currency of amounts such as `89.99EUR`, a currency once."""
    from scenarios.money_text import minor_units  # noqa: PLC0415 -- quick --help

    named: dict[str, int] = {}
    for amount in () if text == NONE else text.split(","):
        number, currency = amount.strip()[:-3].strip(), amount.strip()[-3:].upper()
        found = minor_units(number, currency) if currency.isalpha() else None
        if found is None or found < 0 or currency in named:
            raise typer.BadParameter(f"{amount.strip()!r} is no amount; write 89.99EUR,450JPY", param_hint="--money")
        named[currency] = found
    return named


def _is_file(name: str) -> bool:
    """Many ids beside each other are longer than any name of a file may be, which is an error to ask about."""
    try:
        return Path(name).is_file()
    except OSError:
        return False
