"""shopctl repair charges: give back what customers paid twice, and what a full return left."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.charges import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair charges --plan

  shopctl repair charges --apply

  shopctl repair charges --recall SO-7ZMZNJQFYN --apply

The plan says, by the payment provider's own journal, which captures go back (those that no order owes), which full
returns are completed, and what only people can settle. Applying it a second time changes nothing."""


def register(app: typer.Typer) -> None:
    app.command("charges", epilog=EXAMPLES)(charges)


def charges(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry the plan out, or only show it.")] = False,
    recall: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORDER",
            help="Take this order back too, by number or id: its customer asked once and got two. Repeatable.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Give back second captures, complete full returns, take back second orders; then judge the last run again."""
    from functools import partial  # noqa: PLC0415 -- quick --help

    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- the same
    from scenarios.repair import charges as repairs  # noqa: PLC0415 -- the same

    look = partial(repairs.look, recall=tuple(recall or ()))
    raise typer.Exit(_show(*carried_out(look, repairs.apply, apply=apply), json=json))


def _show(planned: "Plan", done: "Repaired | None", judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.repair.carrying_out import concluded, print_json  # noqa: PLC0415 -- the same
    from scenarios.money_text import money_text  # noqa: PLC0415 -- the same

    if json:
        print_json(planned, done, judged)
    else:
        terminal.table(
            ("order", "captures to give back", "given back", "return completed by"),
            [
                (
                    order.order_id,
                    len(order.give_back),
                    money_text(order.give_back_minor, order.currency) if order.give_back else "",
                    money_text(order.pay_back_minor, order.currency) if order.pay_back_minor else "",
                )
                for order in planned.orders
            ],
            title="Repair of charges",
        )
        if planned.recall:
            terminal.info(f"Taken back by name: {', '.join(planned.recall)}.")
    for one in (done.left if done else planned).settle:
        terminal.warn(f"Order {one.order_id}: {one.reason}; no command undoes that.")
    if done is None:
        if planned.orders or planned.recall:
            money = ", ".join(money_text(amount, currency) for currency, amount in planned.money_minor.items())
            terminal.info(f"This is the plan, {money or 'nothing by itself'} to customers; carry it out with --apply.")
        elif planned.empty:
            terminal.info("Nothing to repair.")
        return 0
    terminal.ok(
        f"Gave back {done.captures_returned} captures, completed {done.returns_completed} returns, took back "
        f"{done.orders_recalled} orders."
    )
    for order_id, reason in done.refused.items():
        terminal.warn(f"Order {order_id} was not repaired: {reason}. Look with: shopctl order {order_id}.")
    if done.left.orders:
        terminal.warn(f"After {done.rounds} rounds {len(done.left.orders)} orders are still to be repaired.")
    return concluded(
        judged, rest=bool(done.left.orders or done.left.recall or done.left.settle or done.refused), json=json
    )
