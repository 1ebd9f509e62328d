"""shopctl repair oversell: undo what a sale that oversold did."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.oversell import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair oversell --plan

  shopctl repair oversell --apply

  shopctl repair oversell --recall SO-7ZMZNJQFYN --apply

The plan says which orders are cancelled (the latest beyond the supply), which holds are released, which figures are
set right. Applying it a second time changes nothing."""


def register(app: typer.Typer) -> None:
    app.command("oversell", epilog=EXAMPLES)(oversell)


def oversell(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry the plan out, or only show it.")] = False,
    recall: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORDER",
            help="Take this order back too, by number or id: its customer asked for something else. Repeatable.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Cancel and pay back what cannot be served, release leaked holds, recount stock; then judge the last run again."""
    from functools import partial  # noqa: PLC0415 -- quick --help

    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- the same
    from scenarios.repair import oversell as repairs  # noqa: PLC0415 -- the same

    look = partial(repairs.look, recall=tuple(recall or ()))
    raise typer.Exit(_show(*carried_out(look, repairs.apply, apply=apply), json=json))


def _show(planned: "Plan", done: "Repaired | None", judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.repair.carrying_out import concluded, print_json  # noqa: PLC0415 -- the same

    if json:
        print_json(planned, done, judged)
    else:
        terminal.table(
            ("sku", "supply", "standing", "orders to cancel", "holds to release", "figures"),
            [
                (sku.sku, sku.supply, sku.standing, len(sku.cancel), len(sku.release), "wrong" * sku.figures_wrong)
                for sku in planned.skus
            ],
            title=f"Repair of overselling; {planned.dead_letters} dead letters of inventory",
        )
        if planned.recall:
            terminal.info(f"Taken back by name: {', '.join(planned.recall)}.")
    settle = (done.left if done else planned).settle
    if settle:
        terminal.warn(
            f"The goods of {len(settle)} orders left though the order is off or its units are on the shelf again; no "
            f"command undoes that. Look with: shopctl order {settle[0]}."
        )
    if done is None:
        if planned.skus or planned.dead_letters or planned.recall:
            terminal.info("This is the plan; carry it out with --apply.")
        elif planned.empty:
            terminal.info("Nothing to repair.")
        return 0
    terminal.ok(
        f"Cancelled {done.orders_cancelled} orders, released {done.holds_released} holds, reconciled "
        f"{done.skus_reconciled} SKUs, applied {done.letters_redriven} dead letters again."
    )
    _warn_of_rest(done)
    return concluded(judged, rest=bool(done.left.skus or done.left.settle or done.refused), json=json)


def _warn_of_rest(done: "Repaired") -> None:
    """What the repair could not do, and where to look."""
    from cli import terminal  # noqa: PLC0415 -- quick --help

    for order_id, reason in done.refused.items():
        terminal.warn(f"Order {order_id} was not taken back: {reason}. Look with: shopctl order {order_id}.")
    if done.left.skus:
        names = ", ".join(sku.sku for sku in done.left.skus)
        terminal.warn(
            f"After {done.rounds} rounds there is still to repair: {names}. Look with: shopctl logs inventory."
        )
    if done.left.dead_letters:
        terminal.warn(
            f"{done.left.dead_letters} dead letters of inventory cannot be applied. Look with: shopctl events dlq list."
        )
