"""shopctl repair projections: let search and analytics show again what is."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.projections import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair projections --plan

  shopctl repair projections --apply

The plan names the products that search shows otherwise than the catalog sells them and the orders that analytics counts
otherwise than they stand. Both are rebuilt beside what is in use; no mail goes out again. Applying it a second time
changes nothing."""


def register(app: typer.Typer) -> None:
    app.command("projections", epilog=EXAMPLES)(projections)


def projections(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry the plan out, or only show it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Rebuild the index and analytics' figures where they differ; then judge the last run again."""
    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- quick --help
    from scenarios.repair import projections as repairs  # noqa: PLC0415 -- the same

    raise typer.Exit(_show(*carried_out(repairs.look, repairs.apply, apply=apply), json=json))


def _show(planned: "Plan", done: "Repaired | None", judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.repair.carrying_out import concluded, print_json  # noqa: PLC0415 -- the same

    if json:
        print_json(planned, done, judged)
    else:
        differing = [*(("product", one) for one in planned.products), *(("order", one) for one in planned.orders)]
        terminal.table(("what", "id"), differing, title="Repair of projections")
    if done is None:
        terminal.info("Nothing to repair." if planned.empty else "This is the plan; carry it out with --apply.")
        return 0
    rebuilt = [name for name, was in (("index", done.index_rebuilt), ("figures", done.figures_rebuilt)) if was]
    terminal.ok(f"Rebuilt: {', '.join(rebuilt) or 'nothing'}.")
    if not done.left.empty:
        terminal.warn(f"{len(done.left.products)} products and {len(done.left.orders)} orders differ still.")
    return concluded(judged, rest=not done.left.empty, json=json)
