"""shopctl up: boot the fleet and return when every readiness probe is green."""

from typing import Annotated, Any, Literal

import typer

EXAMPLES = """Examples:

  shopctl up

  shopctl up --only catalog,search --port-base 9000

  shopctl up --scale inventory=2 --json

  shopctl up --profile compose

  shopctl up --profile external"""


def register(app: typer.Typer) -> None:
    app.command(epilog=EXAMPLES)(up)


def up(
    profile: Annotated[
        Literal["local", "compose", "external"] | None,
        typer.Option(
            envvar="SHOPSTREAM_PROFILE",
            help="Processes of this machine (local), containers (compose), or engines of somebody else (external) at "
            "SHOPSTREAM_POSTGRES_URL, …_REDIS_URL, …_KAFKA_BOOTSTRAP and …_ELASTICSEARCH_URL.",
        ),
    ] = None,
    scale: Annotated[list[str] | None, typer.Option(help="Instances of a service, as inventory=2.")] = None,
    port_base: Annotated[
        int | None,
        typer.Option(envvar="SHOPSTREAM_PORT_BASE", help="First port; default 8000, or the next free base."),
    ] = None,
    only: Annotated[str, typer.Option(help="Only these components (a,b) and what they need.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False,
) -> None:
    """Boot the fleet and wait until all is ready.

    Engines, the simulated world, migrations, topics and the services. Safe to repeat.
    """
    from cli import status, terminal  # noqa: PLC0415 -- quick --help
    from compose import launch, stack  # noqa: PLC0415 -- the same

    names = [name for name in only.split(",") if name]
    stack.load().closure(names)
    counts = stack.parse_scale(scale or [], stack.load())
    with terminal.Board(("name", "state", "time", "memory", "detail"), final=("ready", "crashed")) as board:

        def show(event: dict[str, Any]) -> None:
            if event["event"] == "note":
                terminal.info(event["text"])
            else:
                board.row(*status.board_row(event))

        found = launch.up(profile=profile, port_base=port_base, names=names, scale=counts, on_event=show)
    if json:
        terminal.json(found)
        return
    status.show(found)
    terminal.ok(f"Ready in {found['timings_s'].get('all', 0):.1f} s on http://127.0.0.1:{found['port_base']}.")
