"""shopctl order: one order's whole story across all services and witnesses."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl order SO-7K2M9QX4TB

  shopctl order 0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11 --json"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(order)


def order(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id or number.")],
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Tell an order's story: what each service, Kafka, the PSP, the carrier and the mail server know of it."""
    import asyncio  # noqa: PLC0415 -- quick --help
    from datetime import UTC, datetime  # noqa: PLC0415 -- the same

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.money_text import money_text  # noqa: PLC0415 -- the same
    from scenarios.story import Story, story  # noqa: PLC0415 -- the same

    async def read() -> Story | None:
        async with Fleet.running() as fleet:
            return await story(fleet, order)

    found = asyncio.run(read())
    if found is None:
        raise OperatorError("order.unknown", f"There is no order {order!r}.", mend="An order's id or number is wanted.")
    if json:
        terminal.json(msgspec.to_builtins(found))
        return
    row = found.order
    terminal.line(
        f"{row['number']}  {row['status']}  {money_text(row['total_minor'], row['currency'])}  {row['email']}\n"
        f"trace {row['trace_id']}  (shopctl trace {row['trace_id']})"
    )
    terminal.table(
        ("time", "where", "kind", "what", "detail"),
        [
            (
                datetime.fromtimestamp(chapter.at, UTC).strftime("%H:%M:%S.%f")[:-3],
                chapter.where,
                chapter.kind,
                chapter.what,
                chapter.detail,
            )
            for chapter in found.chapters
        ],
    )
