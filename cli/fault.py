"""shopctl fault: one fault of the environment by hand."""

from typing import Annotated, Literal

import typer

LIST_EXAMPLES = """Examples:

  shopctl fault list"""
INJECT_EXAMPLES = """Examples:

  shopctl fault inject kill orders-1

  shopctl fault inject pause inventory-1 --for 2

  shopctl fault inject kill kafka"""

FAULTS = {
    "kill": "SIGKILL one process; the supervisor starts it again",
    "pause": "SIGSTOP one process for --for seconds, then SIGCONT",
}


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="One fault of the environment by hand.")
    commands.command("list", epilog=LIST_EXAMPLES)(list_faults)
    commands.command("inject", epilog=INJECT_EXAMPLES)(inject)
    app.add_typer(commands, name="fault")


def list_faults(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Name the faults."""
    from cli import terminal  # noqa: PLC0415 -- quick --help

    if json:
        terminal.json(FAULTS)
    else:
        terminal.table(("fault", "does"), FAULTS.items())


def inject(
    fault: Annotated[Literal["kill", "pause"], typer.Argument(help="See: shopctl fault list.")],
    process: Annotated[str, typer.Argument(help="As `shopctl status` names it.")],
    seconds: Annotated[float, typer.Option("--for", min=0.1, max=60, help="Length of a pause in seconds.")] = 2.0,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Inject a fault, confirm that it bit, and wait until it has healed."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.evidence import FaultFired  # noqa: PLC0415 -- the same
    from scenarios.faults.injections import Injections  # noqa: PLC0415 -- the same
    from scenarios.faults.processes import Kill, Pause  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def fire() -> FaultFired:
        async with Fleet.running() as fleet, Injections(fleet) as injections:
            if fault == "pause":
                await injections.inject(Pause(process), for_s=seconds)
            else:
                await injections.inject(Kill(process), for_s=0.0)
        return injections.fired[0]

    fired = asyncio.run(fire())
    if json:
        terminal.json(msgspec.to_builtins(fired))
    else:
        say = terminal.ok if fired.confirmed else terminal.warn
        say(f"{fault} {process}: {fired.probe if fired.confirmed else 'it did not take hold'}.")
    raise typer.Exit(0 if fired.confirmed else 3)
