"""shopctl repair events: give consumers what they never applied."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.events import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair events --plan

  shopctl repair events --apply

The plan says, by the broker itself, which published events each consumer neither applied nor set aside, how many of its
dead letters are events that can be redriven, and which events are marked as sent and never arrived. Applying it a
second time changes nothing."""


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
        terminal.table(
            ("publisher", "event", "of"),
            [(event.publisher, event.type, event.aggregate_id) for event in planned.unsent],
            title="Marked as sent, not on the broker",
        )
        terminal.table(
            ("publisher", "event", "of"),
            [(event.publisher, event.type, event.aggregate_id) for event in planned.untold],
            title="On the broker, not in the outbox",
        )
        terminal.table(
            ("consumer", "event", "taken for order"),
            [(one.consumer, one.event_id, one.order_id) for one in planned.misread],
            title="Misread, to be paid back",
        )
    if done is None:
        if not planned.empty:
            terminal.info("This is the plan; carry it out with --apply.")
        else:
            terminal.info("Nothing to repair.")
        return 0
    terminal.ok(
        f"Sent {done.sent} events again, stored {done.stored} that went past the outbox, "
        f"applied {done.applied} that were missing, redrove {done.redriven} dead letters, "
        f"annulled {done.annulled} payments."
    )
    if not done.left.empty:
        terminal.warn(f"After {done.rounds} rounds {len(done.left.consumers)} consumers still miss events.")
    return concluded(judged, rest=not done.left.empty, json=json)
