"""Questions to the mail catcher of the running stack."""

from typing import Any


def catcher(path: str) -> Any:
    """What the mail catcher answers to GET `path`. Raises `OperatorError` (stack.down, fleet.away, fleet.refused)."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def ask() -> Any:
        async with Fleet.running() as fleet:
            return await fleet.world("catcher", "GET", path)

    return asyncio.run(ask())
