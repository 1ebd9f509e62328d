"""shopctl fault inject: one fault, confirmed by its probe, healed after its time."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl fault inject kill orders-1

  shopctl fault inject pause kafka --for 5

  shopctl fault inject latency orders:postgres --set latency_ms=300 --set jitter_ms=50 --for 60

  shopctl fault inject down all:kafka

  shopctl fault inject rewind payments --set records_max=100

  shopctl fault inject psp-timeout --set rate=0.2"""
FOR_S_MAX = 3_600


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(inject)


def inject(
    fault: Annotated[str, typer.Argument(help="See: shopctl fault list.")],
    target: Annotated[str, typer.Argument(help="A process, a link as orders:postgres, a service, a topic.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter, as name=value.")] = None,
    seconds: Annotated[float, typer.Option("--for", min=0.1, max=FOR_S_MAX, help="Seconds until it heals.")] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Inject a fault and say what the probe saw.

    It heals after its time, or by `shopctl fault heal`, whether this command still runs or not. One that is over at
    once, as a kill, is waited for.
    """
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.faults import by_hand, catalogue  # noqa: PLC0415 -- the same
    from scenarios.faults.active import Active  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    value = catalogue.made(fault, target, dict(_pair(item) for item in settings or []))

    fleet = Fleet.running()

    async def fire() -> Active:
        async with fleet:
            return await by_hand.inject(fleet, value, for_s=seconds)

    with terminal.working(f"Injecting {fault}"):
        done = asyncio.run(fire())
    if json:
        terminal.json(msgspec.to_builtins(done))
    else:
        say = terminal.ok if done.confirmed else terminal.warn
        say(f"{fault} {value.target}: {done.probe if done.confirmed else f'not confirmed: {done.probe}'}.")
        if done.state == "on":
            terminal.info(f"It heals in {seconds:g} s, or now: shopctl fault heal {done.id}.")
    raise typer.Exit(0 if done.confirmed else 3)


def _pair(item: str) -> tuple[str, str]:
    name, separator, value = item.partition("=")
    if not separator:
        raise typer.BadParameter(f"{item!r} is not name=value", param_hint="--set")
    return name, value
