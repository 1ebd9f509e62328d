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
    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- quick --help
    from scenarios.repair import events as repairs  # noqa: PLC0415 -- the same

    raise typer.Exit(_show(*carried_out(repairs.look, repairs.apply, apply=apply), json=json))


def _show(planned: "Plan", done: "Repaired | None", judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.repair.carrying_out import concluded, print_json  # noqa: PLC0415 -- the same

    if json:
        print_json(planned, done, judged)
    else:
        terminal.table(
            ("consumer", "never applied", "poison not set aside", "letters to redrive"),
            [
                (one.consumer, len(one.missing) or "", len(one.poison) or "", one.letters or "")
                for one in planned.consumers
            ],
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
    return concluded(judged, rest=not done.left.empty, json=json)
