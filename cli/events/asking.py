"""One question to the running fleet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenarios.fleet import Fleet


def asked(ask: "Callable[[Fleet], Awaitable[Any]]") -> Any:
    """What the running fleet answers. Raises `OperatorError` (stack.down, fleet.away, fleet.refused)."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def run() -> Any:
        async with Fleet.running() as fleet:
            return await ask(fleet)

    return asyncio.run(run())
