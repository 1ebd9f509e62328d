"""shopctl seed: fill the shop with products, stock, people and past orders."""

from typing import Annotated, Literal

import typer

EXAMPLES = """Examples:

  shopctl seed

  shopctl seed --size m --seed 7"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(seed)


def seed(
    size: Annotated[Literal["s", "m", "l"], typer.Option(help="200, 2,000 or 50,000 products.")] = "s",
    number: Annotated[int, typer.Option("--seed", help="The same number gives the same shop.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Fill the shop; repeating it changes nothing."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import seeding  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def run() -> seeding.Seeded:
        with terminal.progress() as bars:
            async with Fleet.running() as fleet:
                return await seeding.seed(fleet, size=size, seed=number, report=bars.report)

    done = asyncio.run(run())
    if json:
        import msgspec  # noqa: PLC0415 -- the same

        terminal.json(msgspec.to_builtins(done))
    terminal.ok(
        f"Seeded {done.products} products, {done.users} users and {done.past_orders} past orders "
        f"in {done.seconds:.1f} s. Log in as user-00001@shopstream.example, password {seeding.PASSWORD!r}."
    )
