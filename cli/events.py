"""shopctl events: what is on the broker, who is behind, and what could not be applied."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenarios.fleet import Fleet
    from scenarios.world.journals import TapRecord

TAIL_EXAMPLES = """Examples:

  shopctl events tail

  shopctl events tail -f

  shopctl events tail --type order.paid --lines 50

  shopctl events tail --order 0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11"""
LAG_EXAMPLES = """Examples:

  shopctl events lag"""
CONTRACT_EXAMPLES = """Examples:

  shopctl events contract"""
DLQ_LIST_EXAMPLES = """Examples:

  shopctl events dlq list"""
DLQ_REDRIVE_EXAMPLES = """Examples:

  shopctl events dlq redrive inventory"""

FOLLOWED = "{:<27}  {:<20}  {:<36}  {:>3}  {:<26}  {}"

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Events, lag and dead letters.")
    commands.command("tail", epilog=TAIL_EXAMPLES)(tail)
    commands.command("lag", epilog=LAG_EXAMPLES)(lag)
    commands.command("contract", epilog=CONTRACT_EXAMPLES)(contract)
    letters = typer.Typer(no_args_is_help=True, help="Dead letters.")
    letters.command("list", epilog=DLQ_LIST_EXAMPLES)(dlq_list)
    letters.command("redrive", epilog=DLQ_REDRIVE_EXAMPLES)(dlq_redrive)
    commands.add_typer(letters, name="dlq")
    app.add_typer(commands, name="events")


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
                terminal.line(msgspec.json.encode(line).decode() if json else FOLLOWED.format(*_told(line)))
            return
        newest = list(filter(wanted, journals.read(tap, journals.TapRecord)))[-lines:]
        if json:
            terminal.json([msgspec.to_builtins(line) for line in newest])
        else:
            columns = ("occurred", "type", "aggregate", "version", "place", "trace")
            terminal.table(columns, map(_told, newest))
    except journals.JournalDamagedError as error:
        raise OperatorError(
            "journal.damaged", f"A journal of the world is damaged: {error}.", mend="Start anew: shopctl down --wipe."
        ) from error


def _told(line: "TapRecord") -> tuple[object, ...]:
    return line.occurred_at, line.type, line.aggregate_id, line.aggregate_version, line.place, line.trace_id


def lag(json: Json = False) -> None:
    """How many events each service's consumer is behind, and everything else that is still open."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.quiescence import quiesce  # noqa: PLC0415 -- the same

    found = _with_fleet(lambda fleet: quiesce(fleet, since=0.0, deadline_s=1.0))
    if json:
        terminal.json(found.waits_for)
    else:
        terminal.table(("waits", "count"), found.waits_for.items())
        terminal.ok("Nothing waits." if found.reached else "Work is open.")


def dlq_list(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50, json: Json = False) -> None:
    """The newest dead letters of every service."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.letters import dead_letters  # noqa: PLC0415 -- the same

    found = _with_fleet(lambda fleet: dead_letters(fleet, per_service_max=limit))
    if json:
        terminal.json(found)
        return
    terminal.table(
        ("consumer", "event", "from", "reason", "attempts", "parked", "redriven"),
        [
            (
                row["consumer"],
                row["event_id"],
                f"{row['topic']}/{row['partition']}@{row['offset_']}",
                row["reason"],
                row["attempts"],
                "yes" * row["parked"],
                "yes" * bool(row["redriven_at"]),
            )
            for row in found
        ],
    )


def contract() -> None:
    """The events of the fleet as an AsyncAPI 3 document: topics, schemas, who sends and who receives."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import stack  # noqa: PLC0415 -- the same
    from shared.contracts import asyncapi  # noqa: PLC0415 -- imports every contract

    declared = {service.name: service.declaration() for service in stack.load().services}
    terminal.json(asyncapi.document(declared))


def dlq_redrive(service: Annotated[str, typer.Argument(help="Whose dead letters.")], json: Json = False) -> None:
    """Apply a service's dead letters again, with their own ids, after the cause is mended."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import stack  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same

    known = [component.name for component in stack.load().audited]
    if service not in known:
        raise OperatorError(
            "service.unknown",
            f"There is no service {service!r} with dead letters.",
            mend=f"Choose one of: {', '.join(known)}.",
            exit_code=2,
        )
    done = _with_fleet(lambda fleet: fleet.call(service, "POST", "/internal/dead-letters/redrive"))
    if json:
        terminal.json(done)
    terminal.ok(f"Applied {done['applied']}, {done['remaining']} remain.")


def _with_fleet(ask: "Callable[[Fleet], Awaitable[Any]]") -> Any:
    import asyncio  # noqa: PLC0415 -- quick --help

    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def run() -> Any:
        async with Fleet.running() as fleet:
            return await ask(fleet)

    return asyncio.run(run())
