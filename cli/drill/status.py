"""shopctl drill status: the clock, what was reached, the points."""

import typer

from cli.drill.showing import Json, status_of

EXAMPLES = """Examples:

  shopctl drill status

  shopctl drill status --json | jq .phases"""


def register(commands: typer.Typer) -> None:
    commands.command("status", epilog=EXAMPLES)(status)


def status(json: Json = False) -> None:
    """Show clock, phases and points; once the cause is found, judge whether the damage is undone.

    The repair counts from the first look that finds it done.
    """
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios.drilling import play, record, scoring, texts  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def look() -> None:
        async with Fleet.running() as fleet:
            await play.look(fleet)

    drill = record.current(layout_of())
    if play.repair_is_open(drill):
        with terminal.working("judging the repair"):
            asyncio.run(look())
        drill = record.current(layout_of())
    if json:
        terminal.json(status_of(drill))
        return
    told = status_of(drill)
    account = scoring.score(drill, repairable=bool(scenario(drill.incident).repair))
    terminal.table(("what", "points", "of", "reached"), texts.score_rows(account), title=f"drill {drill.id}")
    for phase, reasons in drill.refused.items():
        for reason in reasons:
            terminal.warn(f"{phase}: {reason}")
    for number, text in enumerate(told["hints"], start=1):
        terminal.info(f"hint {number}: {text}")
    terminal.info(f"{told['clock_s']:.0f} s on the clock.")
