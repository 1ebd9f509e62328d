"""shopctl top: the running fleet, live."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.vital_signs import Glance

EXAMPLES = """Examples:

  shopctl top

  shopctl top --every 5

  shopctl top --json | jq '.processes[] | select(.lag > 0)'

Where no terminal is, one look over a whole interval is printed, as with --json."""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(top)


def top(
    every: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="Print one look as JSON.")] = False,
) -> None:
    """Services, rates, errors, p99, lag, breakers, pools, stock of the sale and live invariants, again and again."""
    import asyncio  # noqa: PLC0415 -- quick --help
    import sys  # noqa: PLC0415 -- the same

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    if json:
        terminal.json(msgspec.to_builtins(asyncio.run(once(every))))
    elif not sys.stdout.isatty():
        show(asyncio.run(once(every)))
    else:
        from cli.top.board import Board  # noqa: PLC0415 -- half a second of imports

        board = Board(Fleet.running(), every_s=every)
        board.run()
        if board.ended_by is not None:
            raise board.ended_by


async def once(every_s: float) -> "Glance":
    """What the fleet does during one interval. Raises `OperatorError` where there is none."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.vital_signs import Observer  # noqa: PLC0415 -- the same

    async with Fleet.running() as fleet:
        observer = Observer(fleet)
        await observer.glance()
        await asyncio.sleep(every_s)
        return await observer.glance()


def show(glance: "Glance") -> None:
    """One look as two tables."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.top.cells import COLUMNS, cells  # noqa: PLC0415 -- the same

    terminal.table(COLUMNS, [cells(one) for one in glance.processes])
    terminal.table(
        ("SKU", "on hand", "reserved", "available"),
        [(one.sku, one.on_hand, one.reserved, one.available) for one in glance.stock],
        title="Stock",
    )
