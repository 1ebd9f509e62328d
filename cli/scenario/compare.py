"""shopctl scenario compare: two runs side by side."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.scenario.options import Json, evidence_of

if TYPE_CHECKING:
    from scenarios.comparison import Run

EXAMPLES = """Examples:

  shopctl scenario compare 20260101T120000Z-flash-sale-1 latest

  shopctl scenario compare 20260101T120000Z-flash-sale-1 latest --differences"""


def register(commands: typer.Typer) -> None:
    commands.command("compare", epilog=EXAMPLES)(compare)


def compare(
    first: Annotated[str, typer.Argument(help="A run's directory or name.")],
    second: Annotated[str, typer.Argument(help="Another one, or `latest`.")] = "latest",
    differences: Annotated[bool, typer.Option("--differences", help="Only where they differ.")] = False,
    json: Json = False,
) -> None:
    """Show two runs side by side: invariants, what did happen, figures, answers, latency."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from scenarios import comparison  # noqa: PLC0415 -- the same

    found = comparison.compare(judged_run(first), judged_run(second))
    lines = found.differences if differences else found.lines
    if json:
        terminal.json(msgspec.to_builtins(msgspec.structs.replace(found, lines=lines)))
        return
    terminal.table(("", "what", found.first, found.second, "≠"), comparison.shown(lines))


def judged_run(name: str) -> "Run":
    """A run with the verdict it was given. Raises OperatorError (run.none, run.unknown, run.unreadable)."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios.comparison import Run  # noqa: PLC0415 -- the same
    from scenarios.evidence.storage import UNDECODABLE  # noqa: PLC0415 -- the same
    from scenarios.run_directory import find_run  # noqa: PLC0415 -- the same
    from scenarios.verdict import load_verdict  # noqa: PLC0415 -- the same

    directory = find_run(layout_of().runs, name)
    evidence = evidence_of(name)
    try:
        verdict = load_verdict(directory)
    except (OSError, *UNDECODABLE) as error:
        raise OperatorError(
            "run.unreadable", f"{directory} has no verdict: {error}", mend="shopctl scenario recheck judges it."
        ) from error
    return Run(name=directory.name, evidence=evidence, verdict=verdict)
