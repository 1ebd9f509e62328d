"""shopctl events contract: the AsyncAPI document of the fleet."""

import typer

EXAMPLES = """Examples:

  shopctl events contract"""


def register(app: typer.Typer) -> None:
    app.command("contract", epilog=EXAMPLES)(contract)


def contract() -> None:
    """The events of the fleet as an AsyncAPI 3 document: topics, schemas, who sends and who receives."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from compose import stack  # noqa: PLC0415 -- the same
    from shared.contracts import asyncapi  # noqa: PLC0415 -- imports every contract

    declared = {service.name: service.declaration() for service in stack.load().services}
    terminal.json(asyncapi.document(declared))
