"""shopctl jobs retry: give dead jobs their attempts again."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl jobs retry notifications:send_message:0190f4a2-7a0e-7cc0-8000-1c5d5f0d3a11

  shopctl jobs retry --all"""


def register(commands: typer.Typer) -> None:
    commands.command("retry", epilog=EXAMPLES)(retry)


def retry(
    key: Annotated[str, typer.Argument(help="As `shopctl jobs list` names it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All dead jobs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Give one dead job, or all of them, their attempts again, after the cause is mended."""
    from cli.jobs.asking import settle  # noqa: PLC0415 -- quick --help
    from shared.jobs_queue import JobBoard  # noqa: PLC0415 -- the same

    settle(JobBoard.retry, key, every=every, json=json, told="Queued again")
