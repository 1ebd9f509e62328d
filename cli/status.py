"""shopctl status: health, pid, memory, lag and breaker state of every process."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from compose.state import StackState

EXIT_NOT_HEALTHY = 3
EXAMPLES = """Examples:

  shopctl status

  shopctl status --json | jq '.pss_bytes'"""

Json = dict[str, Any]


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(status)


def status(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Health, memory, lag and breakers of every process.

    Exit code 0 when all are ready, 3 when the stack is down or one is not.
    """
    import asyncio  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import state  # noqa: PLC0415 -- the same
    from compose.control import Control  # noqa: PLC0415 -- the same

    layout, running = state.running()
    found = Control(layout).status() | {"jobs": asyncio.run(_jobs(running))}
    if json:
        terminal.json(found)
    else:
        show(found)
    if not found["healthy"]:
        raise typer.Exit(EXIT_NOT_HEALTHY)


def show(found: Json) -> None:
    """The table of processes and the line of sums."""
    from cli import terminal  # noqa: PLC0415 -- quick --help

    columns = ("name", "state", "pid", "port", "memory", "lag", "breakers", "restarts", "detail")
    terminal.table(columns, (_row(row) for row in found["processes"]))
    sums: dict[str, int] = found["pss_bytes"]
    parts = [f"{kind} {terminal.megabytes(amount)}" for kind, amount in sums.items() if kind != "all"]
    terminal.line(f"Memory: {terminal.megabytes(sums['all'])} ({', '.join(parts)}); up {found['up_s']:.0f} s.")
    if jobs := found.get("jobs"):
        terminal.line(f"Jobs: {jobs['open']} open, {jobs['dead']} dead.")


async def _jobs(running: "StackState") -> Json | None:
    """How many jobs are open and dead; None while Redis does not answer."""
    from scenarios.job_board import job_board  # noqa: PLC0415 -- quick --help
    from shared.errors import RedisUnavailableError  # noqa: PLC0415 -- the same

    try:
        async with job_board(running) as board:
            rows = await board.rows()
    except RedisUnavailableError:
        return None
    return {"open": sum(row.is_open for row in rows), "dead": sum(row.state == "dead" for row in rows)}


def board_row(event: Json) -> tuple[str, str, str, str, str]:
    """One row of the table that `up` shows while things start."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose.memory import family_pss_bytes  # noqa: PLC0415 -- the same

    ready = event["state"] == "ready"
    took = f"{event['boot_s']:.1f} s" if ready else ""
    memory = terminal.megabytes(family_pss_bytes(event["pid"])) if ready and event["pid"] else ""
    return event["name"], event["state"], took, memory, event["detail"]


def _row(row: Json) -> tuple[object, ...]:
    from cli import terminal  # noqa: PLC0415 -- quick --help

    return (
        row["name"],
        row["state"],
        row["pid"],
        row["port"] or None,
        terminal.megabytes(row["pss_bytes"]),
        row["lag"],
        row["breakers"],
        row["restarts"] or None,
        row["detail"],
    )
