"""shopctl fault heal: one fault that is on, or all."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl fault heal

  shopctl fault heal latency

  shopctl fault heal 3fa94c1e"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(heal)


def heal(
    fault: Annotated[str, typer.Argument(help="An id or a name from `shopctl fault list`; all without it.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Undo faults before their time, those too whose keeper was killed."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.faults import by_hand  # noqa: PLC0415 -- the same
    from scenarios.faults.active import Active  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    fleet = Fleet.running()

    async def undo() -> list[Active]:
        async with fleet:
            return await by_hand.heal(fleet, fault)

    with terminal.working("Healing"):
        healed = asyncio.run(undo())
    if json:
        terminal.json({"healed": msgspec.to_builtins(healed)})
    else:
        names = ", ".join(f"{it.fault['fault']} {it.fault['target']}" for it in healed)
        terminal.ok(f"Healed: {names}." if healed else "No fault was on.")
