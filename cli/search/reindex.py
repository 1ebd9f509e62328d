"""shopctl search reindex: rebuild the index beside the one in use."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl search reindex

  shopctl search reindex --json | jq .documents"""


def register(commands: typer.Typer) -> None:
    commands.command("reindex", epilog=EXAMPLES)(reindex)


def reindex(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Rebuild the index from the catalog and follow it to its end; customers search in the old one until then.

    One that is under way is followed. Interrupting this does not interrupt the rebuild.
    """
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same
    from scenarios.reindexing import rebuild_index  # noqa: PLC0415 -- the same

    with terminal.progress() as bars:
        build = asked(lambda fleet: rebuild_index(fleet, bars.report))
    if json:
        terminal.json(build)
    else:
        terminal.ok(f"Rebuilt: {build['documents']} documents in {build['index_name']}.")
