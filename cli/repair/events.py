"""shopctl repair events: give consumers what they never applied."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.events import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair events --plan

  shopctl repair events --apply

The plan says, by the broker itself, which published events each consumer neither applied nor set aside, and how many
of its dead letters are events that can be redriven. Applying it a second time changes nothing."""


def register(app: typer.Typer) -> None:
    app.command("events", epilog=EXAMPLES)(events)


def events(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry the plan out, or only show it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Redrive dead letters, read again what was never applied; then judge the last run again."""
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same
    from scenarios.repair import events as repairs  # noqa: PLC0415 -- the same
    from scenarios.repair import rejudge  # noqa: PLC0415 -- the same

    async def run() -> tuple[repairs.Plan, repairs.Repaired | None, rejudge.Rejudged | None]:
        async with Fleet.running() as fleet:
            planned = await repairs.look(fleet)
            if not apply:
                return planned, None, None
            done, judged = await rejudge.applied(fleet, lambda since: repairs.apply(fleet, planned, since=since))
            return planned, done, judged

    raise typer.Exit(_show(*asyncio.run(run()), json=json))


def _show(planned: "Plan", done: "Repaired | None", judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same

    if json:
        terminal.json(msgspec.to_builtins({"plan": planned, "done": done, "judged": judged}, enc_hook=str))
    else:
        terminal.table(
            ("consumer", "never applied", "letters to redrive"),
            [(one.consumer, len(one.missing), one.letters or "") for one in planned.consumers],
            title="Repair of events",
        )
    for event in (done.left if done else planned).unsent:
        terminal.warn(f"{event.type} of {event.aggregate_id} never reached the broker; no consumer can be given it.")
    if done is None:
        if planned.consumers:
            terminal.info("This is the plan; carry it out with --apply.")
        elif planned.empty:
            terminal.info("Nothing to repair.")
        return 0
    terminal.ok(f"Applied {done.applied} events that were missing, redrove {done.redriven} dead letters.")
    if done.left.consumers:
        terminal.warn(f"After {done.rounds} rounds {len(done.left.consumers)} consumers still miss events.")
    code = 0 if done.left.empty else 1
    if judged is None:
        return code
    if not json:
        terminal.verdict(judged.verdict, report=str(judged.directory / "report.html"))
    return judged.verdict.exit_code or code
