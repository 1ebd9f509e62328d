"""shopctl drill report: the end of a drill and its review."""

from typing import Annotated

import typer

from cli.drill.showing import Json

EXAMPLES = """Examples:

  shopctl drill report

  shopctl drill report --json | jq .score

The exit code is 0 when every phase was reached, else 1."""


def register(commands: typer.Typer) -> None:
    commands.command("report", epilog=EXAMPLES)(report)


def report(
    last: Annotated[bool, typer.Option("--last", help="Show the review of the last drill again.")] = False,
    json: Json = False,
) -> None:
    """End the drill, take out what was planted, and write the post-incident review with the truth."""
    import asyncio  # noqa: PLC0415 -- quick --help

    import msgspec  # noqa: PLC0415 -- the same

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios.drilling import pages, play, record, texts  # noqa: PLC0415 -- the same
    from scenarios.drilling.review import review  # noqa: PLC0415 -- the same
    from scenarios.drills import scenario  # noqa: PLC0415 -- the same
    from scenarios.fleet import Fleet  # noqa: PLC0415 -- the same

    async def end() -> record.Drill:
        async with Fleet.running() as fleet:
            with terminal.working("judging"):
                return await play.close(fleet)

    layout = layout_of()
    drill = record.newest(layout) if last else asyncio.run(end())
    if drill is None or drill.closed_at is None:
        raise OperatorError("drill.none", "No drill is over yet.", mend="End one: shopctl drill report")
    found = review(drill, scenario(drill.incident))
    page = pages.write_review(layout, drill, found)
    if json:
        terminal.json({**msgspec.to_builtins(found), "page": str(page)})
    else:
        for line in texts.review_lines(found):
            terminal.line(line)
        terminal.line(f"report: {page}")
    raise typer.Exit(0 if found.complete else 1)
