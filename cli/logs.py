"""shopctl logs: the logs of one process or of all, merged by time."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl logs orders -f

  shopctl logs --trace 4bf92f3577b34da6a3ce929d0e0e4736

  shopctl logs kafka --lines 20"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(logs)


def logs(
    service: Annotated[
        str, typer.Argument(help="A service, an instance, an engine, world or supervisor; all when left out.")
    ] = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines are written.")] = False,
    trace: Annotated[str, typer.Option(help="Only lines of this trace id.")] = "",
    lines: Annotated[int, typer.Option(min=1, max=100_000, help="How many lines at most.")] = 200,
    json: Annotated[bool, typer.Option("--json", help="Lines as they were written.")] = False,
) -> None:
    """Merged structured logs, oldest first."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import log_files, state  # noqa: PLC0415 -- the same

    layout = state.layout_of()
    trace = log_files.trace_id(trace)
    files = log_files.find(layout, service)
    wanted = log_files.follow(files, lines, trace) if follow else log_files.read(files, lines, trace)
    for found in wanted:
        terminal.line(found.raw if json else found.pretty())
