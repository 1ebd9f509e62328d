"""shopctl load list: the suites there are."""

import typer

from cli.scenario.options import Json

EXAMPLES = """Examples:

  shopctl load list

  shopctl load list --json"""


def register(commands: typer.Typer) -> None:
    commands.command("list", epilog=EXAMPLES)(list_suites)


def list_suites(json: Json = False) -> None:
    """Name the suites, what they are played with, and what they must reach."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from loadtests.catalogue import SUITES  # noqa: PLC0415 -- the same

    if json:
        terminal.json([msgspec.to_builtins(suite) for suite in SUITES])
        return
    rows = [
        (
            suite.id,
            suite.story,
            f"{suite.defaults.users} users, {suite.defaults.for_s:g} s",
            "; ".join(f"{threshold.figure} {threshold.said}" for threshold in suite.thresholds),
        )
        for suite in SUITES
    ]
    terminal.table(("suite", "story", "by default", "thresholds"), rows)
