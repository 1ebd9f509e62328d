"""shopctl events tail: the newest events on the broker."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.world.journals import TapRecord

EXAMPLES = """Examples:

  shopctl events tail

  shopctl events tail -f

  shopctl events tail --type order.paid --lines 50

  shopctl events tail --order 0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11"""

FOLLOWED = "{:<27}  {:<20}  {:<36}  {:>3}  {:<26}  {}"


def register(app: typer.Typer) -> None:
    app.command("tail", epilog=EXAMPLES)(tail)


def tail(
    event_type: Annotated[str, typer.Option("--type", help="Only this event type.")] = "",
    order: Annotated[str, typer.Option(metavar="ID", help="Only events about this order, by its id.")] = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as events are published.")] = False,
    lines: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON; one object per line with --follow.")] = False,
) -> None:
    """The newest events on the broker, as the tap saw them."""
    from itertools import chain  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import state  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.world import journals  # noqa: PLC0415 -- the same

    def wanted(line: "TapRecord") -> bool:
        return event_type in ("", line.type) and (not order or line.is_about(order))

    tap = state.layout_of().world / journals.TAP_JOURNAL
    try:
        if follow:
            batches = journals.follow(tap, journals.TapRecord)
            newest = list(filter(wanted, next(batches)))[-lines:]
            for line in chain(newest, filter(wanted, chain.from_iterable(batches))):
                terminal.line(msgspec.json.encode(line).decode() if json else FOLLOWED.format(*_row(line)))
            return
        newest = list(filter(wanted, journals.read(tap, journals.TapRecord)))[-lines:]
        if json:
            terminal.json([msgspec.to_builtins(line) for line in newest])
        else:
            columns = ("occurred", "type", "aggregate", "version", "place", "trace")
            terminal.table(columns, map(_row, newest))
    except journals.JournalDamagedError as error:
        raise OperatorError(
            "journal.damaged", f"A journal of the world is damaged: {error}.", mend="Start anew: shopctl down --wipe."
        ) from error


def _row(line: "TapRecord") -> tuple[object, ...]:
    return line.occurred_at, line.type, line.aggregate_id, line.aggregate_version, line.place, line.trace_id
