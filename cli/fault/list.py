"""shopctl fault list: what is on now, and what there is."""

from typing import Annotated

import typer

EXAMPLES = """Examples:

  shopctl fault list

  shopctl fault list --json"""


def register(app: typer.Typer) -> None:
    app.command("list", epilog=EXAMPLES)(list_faults)


def list_faults(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Show the faults that are on, then every fault by family."""
    import msgspec  # noqa: PLC0415 -- quick --help

    from cli import terminal  # noqa: PLC0415 -- the same
    from compose import state  # noqa: PLC0415 -- the same
    from scenarios.faults import active, catalogue  # noqa: PLC0415 -- the same

    on = [it for it in active.every(state.layout_of()) if it.state != "healed"]
    known = [
        (family.name, name, catalogue.default_target(fault), catalogue.summary(fault), catalogue.parameters(fault))
        for family in catalogue.FAMILIES
        for name, fault in catalogue.named(family)
    ]
    if json:
        columns = ("family", "fault", "target", "does", "parameters")
        faults = [dict(zip(columns, row, strict=True)) for row in known]
        terminal.json({"active": msgspec.to_builtins(on), "faults": faults})
        return
    if on:
        rows = [(it.id, it.fault["fault"], it.fault["target"], it.state, it.probe, active.ends(it)) for it in on]
        terminal.table(("id", "fault", "target", "state", "probe", "heals in"), rows)
    else:
        terminal.info("No fault is on.")
    terminal.table(
        ("family", "fault", "does", "--set"),
        [
            (family, name, does, " ".join(f"{key}={value}" for key, value in parameters.items()))
            for family, name, _, does, parameters in known
        ],
    )
