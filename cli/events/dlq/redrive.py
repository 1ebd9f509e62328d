"""shopctl events dlq redrive: apply dead letters again."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl events dlq redrive inventory"""
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    app.command("redrive", epilog=EXAMPLES)(redrive)


def redrive(service: Annotated[str, typer.Argument(help="Whose dead letters.")], json: Json = False) -> None:
    """Apply a service's dead letters again, with their own ids, after the cause is mended."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import stack  # noqa: PLC0415 -- the same
    from compose.operator_error import OperatorError  # noqa: PLC0415 -- the same
    from scenarios.fleet import asked  # noqa: PLC0415 -- the same

    known = [component.name for component in stack.load().audited]
    if service not in known:
        raise OperatorError(
            "service.unknown",
            f"There is no service {service!r} with dead letters.",
            mend=f"Choose one of: {', '.join(known)}.",
        )
    done = asked(lambda fleet: fleet.call(service, "POST", "/internal/dead-letters/redrive"))
    if json:
        terminal.json(done)
    terminal.ok(f"Applied {done['applied']}, {done['remaining']} remain.")
