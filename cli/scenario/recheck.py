"""shopctl scenario recheck: judge a finished run again."""

from typing import Annotated

import typer

from cli.scenario.options import Json, tell

EXAMPLES = """Examples:

  shopctl scenario recheck ~/.local/state/shopstream/runs/20260101T120000Z-flash-sale-1"""


def register(commands: typer.Typer) -> None:
    commands.command("recheck", epilog=EXAMPLES)(recheck)


def recheck(
    directory: Annotated[str, typer.Argument(help="A run directory, or `latest`.")] = "latest", json: Json = False
) -> None:
    """Judge a finished run again, without a fleet."""
    from pathlib import Path  # noqa: PLC0415 -- quick --help

    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios import run_directory  # noqa: PLC0415 -- the same
    from scenarios.drills import checkers_of  # noqa: PLC0415 -- the same
    from scenarios.evidence import EvidenceUnreadableError, load_facts  # noqa: PLC0415 -- the same

    chosen = run_directory.latest_run(layout_of().runs) if directory == "latest" else Path(directory)
    if chosen is None:
        raise OperatorError(
            "run.none", "There is no run yet.", mend="Play one: shopctl scenario run flash-sale --quick"
        )
    try:
        verdict = run_directory.recheck(chosen, checkers_of(load_facts(chosen).scenario))
    except EvidenceUnreadableError as error:
        raise OperatorError("run.unreadable", f"{chosen} is not a whole run: {error}", mend="Play it again.") from error
    tell(verdict, chosen, json=json)
    raise typer.Exit(verdict.exit_code)
