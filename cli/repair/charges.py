"""shopctl repair charges: give back what customers paid twice, and what a full return left."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scenarios.repair.charges import Plan, Repaired
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair charges --plan

  shopctl repair charges --apply

The plan says, by the payment provider's own journal, which captures go back (those that no order owes), which full
returns are completed, and what only people can settle. Applying it a second time changes nothing."""


def register(app: typer.Typer) -> None:
    app.command("charges", epilog=EXAMPLES)(charges)


def charges(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry the plan out, or only show it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Give back second captures, complete full returns; then judge the last run again."""
    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- quick --help
    from scenarios.repair import charges as repairs  # noqa: PLC0415 -- the same

    raise typer.Exit(_show(*carried_out(repairs.look, repairs.apply, apply=apply), json=json))


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
    for one in (done.left if done else planned).settle:
        terminal.warn(f"Order {one.order_id}: {one.reason}; no command undoes that.")
    if done is None:
        if planned.orders:
            money = ", ".join(money_text(amount, currency) for currency, amount in planned.money_minor.items())
            terminal.info(f"This is the plan, {money} to customers; carry it out with --apply.")
        elif planned.empty:
            terminal.info("Nothing to repair.")
        return 0
    terminal.ok(f"Gave back {done.captures_returned} captures, completed {done.returns_completed} returns.")
    for order_id, reason in done.refused.items():
        terminal.warn(f"Order {order_id} was not repaired: {reason}. Look with: shopctl order {order_id}.")
    if done.left.orders:
        terminal.warn(f"After {done.rounds} rounds {len(done.left.orders)} orders are still to be repaired.")
    return concluded(judged, rest=bool(done.left.orders or done.left.settle or done.refused), json=json)
