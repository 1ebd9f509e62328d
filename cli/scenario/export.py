"""shopctl scenario export: a run's histories for other checkers."""

from enum import StrEnum
from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl scenario export latest | tee clients.edn

  shopctl scenario export 20260101T120000Z-flash-sale-1 --history ledger --format json | tee ledger.json

Elle:  java -jar elle-cli.jar --model list-append --consistency-models serializable ledger.json"""


class Format(StrEnum):
    EDN = "edn"
    JSON = "json"


class History(StrEnum):
    CLIENTS = "clients"
    LEDGER = "ledger"
    ORDERS = "orders"


def register(commands: typer.Typer) -> None:
    commands.command("export", epilog=EXAMPLES)(export)


def export(
    run: Annotated[str, typer.Argument(help="A run's directory or name, or `latest`.")] = "latest",
    form: Annotated[Format, typer.Option("--format", help="edn for Knossos and Elle, json for others.")] = Format.EDN,
    history: Annotated[
        History, typer.Option(help="What clients were told, or what was stored as a list-append history.")
    ] = History.CLIENTS,
) -> None:
    """Write a run's history to standard output, as Elle, Knossos or a program around Porcupine reads it."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.scenario.options import evidence_of  # noqa: PLC0415 -- the same
    from scenarios import export as exporting  # noqa: PLC0415 -- the same

    operations = exporting.HISTORIES[history](evidence_of(run))
    write = exporting.as_edn if form is Format.EDN else exporting.as_json
    for line in write(operations):
        terminal.line(line)
