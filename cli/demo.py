"""shopctl demo: boot, seed, an incident without and with a planted defect, two verdicts, one report each."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from scenarios.tour import Tour

EXAMPLES = """Examples:

  shopctl demo

  shopctl demo --keep

The exit code is 0 when the healthy fleet passes and the broken one is caught, 3 when a run was twice too weak to judge,
else 1."""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(demo)


def demo(
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 1,
    profile: Annotated[
        Literal["local", "compose", "external"] | None,
        typer.Option(envvar="SHOPSTREAM_PROFILE", help="How the stack is run: see shopctl up --help."),
    ] = None,
    port_base: Annotated[
        int | None,
        typer.Option(envvar="SHOPSTREAM_PORT_BASE", help="First port; default 8000, or the next free base."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the fleet running afterwards.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Take the tour: up, seed, the flash sale without and with a planted defect, both verdicts, down.

    A fleet that was running before keeps running.
    """
    import time  # noqa: PLC0415 -- quick --help

    from cli import status, terminal  # noqa: PLC0415 -- the same
    from compose import launch, state  # noqa: PLC0415 -- the same
    from compose.control import Control  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same
    from scenarios.tour import SCENARIO  # noqa: PLC0415 -- the same

    started = time.monotonic()
    was_running = Control(state.layout_of()).answers
    terminal.info("booting the fleet (the first time downloads its engines)")
    try:
        with terminal.Board(("name", "state", "time", "memory", "detail"), final=("ready", "crashed")) as board:

            def show(event: dict[str, Any]) -> None:
                if event["event"] == "note":
                    terminal.info(event["text"])
                else:
                    board.row(*status.board_row(event))

            launch.up(profile=profile, port_base=port_base, scale=scenario(SCENARIO).scale, on_event=show)
        tour = _play(seed)
        _tell(tour, json=json, seconds=time.monotonic() - started)
    finally:
        if not keep and not was_running:
            with terminal.working("stopping the fleet"):
                launch.down()
    raise typer.Exit(tour.exit_code)


def _play(seed: int) -> "Tour":
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import seeding, tour  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def play() -> tour.Tour:
        async with Fleet.running() as fleet:
            with terminal.progress() as bars:
                await seeding.seed(fleet, size="s", seed=seed, report=bars.report)
            return await tour.tour(fleet, seed=seed, report=terminal.info)

    return asyncio.run(play())


def _tell(tour: "Tour", *, json: bool, seconds: float) -> None:
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios.tour import DEFECT  # noqa: PLC0415 -- the same

    if json:
        terminal.json({**msgspec.to_builtins(tour, enc_hook=str), "seconds": round(seconds, 1)})
        return
    for result in (tour.healthy, tour.broken):
        terminal.verdict(result.verdict, report=str(result.directory / "report.html"))
    say = terminal.ok if tour.holds else terminal.warn
    healthy, broken = tour.healthy.verdict.outcome, tour.broken.verdict.outcome
    judged = "as it must be" if tour.holds else "NOT as it must be"
    say(f"No planted defect: {healthy}; defect {DEFECT}: {broken}; in {seconds:.0f} s: {judged}.")
    if tour.healthy.verdict.failed:
        spoiled = ", ".join(tour.healthy.verdict.failed)
        terminal.info(f"The healthy fleet failed {spoiled}: its report names what; then shopctl up and shopctl logs.")
