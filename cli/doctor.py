"""shopctl doctor: what this machine has, what is wrong with it, and the mend."""

from typing import Annotated

import typer

EXIT_NOT_FIT = 3
EXAMPLES = """Examples:

  shopctl doctor

  shopctl doctor --json"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(doctor)


def doctor(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Check this machine and name the mend.

    Java, engines, ports, disk, memory and leftovers. Exit code 3 when something stops a start.
    """
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import diagnosis  # noqa: PLC0415 -- the same

    findings = diagnosis.examine()
    if json:
        terminal.json([finding.to_dict() for finding in findings])
    else:
        rows = ((found.name, found.verdict, found.detail, found.mend) for found in findings)
        terminal.table(("check", "verdict", "finding", "mend"), rows)
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(EXIT_NOT_FIT)
