"""shopctl scenario recheck: judge a finished run again."""

from typing import Annotated

import typer

from cli.scenario.options import Json, tell

EXAMPLES = """Examples:

  shopctl scenario recheck ~/.local/state/shopstream/runs/20260101T120000Z-flash-sale-1"""


def register(commands: typer.Typer) -> None:
    commands.command("recheck", epilog=EXAMPLES)(recheck)


def recheck(
    run: Annotated[str, typer.Argument(help="A run's directory or name, or `latest`.")] = "latest",
    json: Json = False,
) -> None:
    """Judge a finished run again, without a fleet."""
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- quick --help
    from compose.state import layout_of  # noqa: PLC0415 -- the same
    from scenarios import run_directory  # noqa: PLC0415 -- the same
    from scenarios.drills import checkers_of  # noqa: PLC0415 -- the same
    from scenarios.evidence import EvidenceUnreadableError, load_facts  # noqa: PLC0415 -- the same

    chosen = run_directory.find_run(layout_of().runs, run)
    try:
        verdict = run_directory.recheck(chosen, checkers_of(load_facts(chosen).scenario))
    except EvidenceUnreadableError as error:
        raise OperatorError("run.unreadable", f"{chosen} is not a whole run: {error}", mend="Play it again.") from error
    tell(verdict, chosen, json=json)
    raise typer.Exit(verdict.exit_code)
