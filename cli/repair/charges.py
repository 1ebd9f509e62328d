"""shopctl repair charges: give back what customers paid twice, what a full return left, what a wrong price took."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.fleet import Fleet
    from scenarios.quiescence import Quiescence
    from scenarios.repair import charges as of_charges
    from scenarios.repair import prices as of_prices
    from scenarios.repair.rejudge import Rejudged

EXAMPLES = """Examples:

  shopctl repair charges --plan

  shopctl repair charges --apply

  shopctl repair charges --recall SO-7ZMZNJQFYN --apply

The plan says, by the payment provider's own journal, which captures go back (those that no order owes), which full
returns are completed, which orders cost otherwise than the rules say, and what only people can settle. What a wrong
price took too much goes back, what it took too little is waived. Applying it a second time changes nothing."""


class Plans(msgspec.Struct, frozen=True):
    """What is to be done about captures and returns, and about prices."""

    charges: "of_charges.Plan"
    prices: "of_prices.Plan"


class Deeds(msgspec.Struct, frozen=True):
    """What was done, first about captures and returns, then about prices."""

    charges: "of_charges.Repaired"
    prices: "of_prices.Repaired"

    @property
    def quiescence(self) -> "Quiescence":
        """How the fleet came to rest after the last."""
        return self.prices.quiescence


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
    """Give back what was charged twice or too much, complete full returns, take back orders; then judge again."""
    from functools import partial  # noqa: PLC0415 -- quick --help

    from cli.repair.carrying_out import carried_out  # noqa: PLC0415 -- the same

    look = partial(_look, recall=tuple(recall or ()))
    raise typer.Exit(_show(*carried_out(look, _carry_out, apply=apply), json=json))


async def _look(fleet: "Fleet", *, recall: tuple[str, ...]) -> Plans:
    from scenarios.repair import charges as repairs  # noqa: PLC0415 -- quick --help
    from scenarios.repair import prices  # noqa: PLC0415 -- the same

    return Plans(await repairs.look(fleet, recall), await prices.look(fleet))


async def _carry_out(fleet: "Fleet", planned: Plans, *, since: float) -> Deeds:
    """Prices are looked at anew: what of an order is still ours depends on what went back before."""
    from scenarios.repair import charges as repairs  # noqa: PLC0415 -- quick --help
    from scenarios.repair import prices  # noqa: PLC0415 -- the same

    done = await repairs.apply(fleet, planned.charges, since=since)
    return Deeds(done, await prices.apply(fleet, await prices.look(fleet), since=since))


def _show(planned: Plans, done: Deeds | None, judged: "Rejudged | None", *, json: bool) -> int:
    """The plan, what was done, the new verdict; returns the exit code."""
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from cli.repair.carrying_out import concluded, print_json  # noqa: PLC0415 -- the same

    if json:
        of_prices = {"plan": planned.prices, "done": done and done.prices}
        print_json(planned.charges, done and done.charges, judged, prices=of_prices)
    else:
        _show_charges(planned.charges)
        _show_prices(planned.prices)
    left = planned if done is None else Plans(done.charges.left, done.prices.left)
    for one in (*left.charges.settle, *left.prices.settle):
        terminal.warn(f"Order {one.order_id}: {one.reason}; no command undoes that.")
    if done is None:
        _say_plan(planned)
        return 0
    terminal.ok(
        f"Gave back {done.charges.captures_returned} captures, completed {done.charges.returns_completed} returns, "
        f"took {done.charges.captures_unbooked} captures and {done.charges.refunds_unbooked} refunds out of the books, "
        f"wrote down {done.charges.debts_recorded} debts, disowned {done.charges.webhooks_disowned} webhooks, "
        f"took {done.charges.orders_recalled} orders back; corrected {done.prices.corrected} prices, "
        f"gave {done.prices.given_back} differences back, waived {done.prices.waived}."
    )
    refused = {**done.charges.refused, **done.prices.refused}
    for order_id, reason in refused.items():
        terminal.warn(f"Order {order_id} was not repaired: {reason}. Look with: shopctl order {order_id}.")
    to_do = {order.order_id for order in (*left.charges.orders, *left.prices.orders)}
    if to_do:
        rounds = max(done.charges.rounds, done.prices.rounds)
        terminal.warn(f"After {rounds} rounds {len(to_do)} orders are still to be repaired.")
    rest = bool(to_do or left.charges.recall or left.charges.settle or left.prices.settle or refused)
    return concluded(judged, rest=rest, json=json)


def _say_plan(planned: Plans) -> None:
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.money_text import money_text  # noqa: PLC0415 -- the same

    if planned.charges.orders or planned.charges.recall or planned.prices.orders:
        sums = [*planned.charges.money_minor.items(), *planned.prices.money_minor.items()]
        by_currency = {currency: sum(more for code, more in sums if code == currency) for currency, _ in sorted(sums)}
        money = ", ".join(money_text(amount, currency) for currency, amount in by_currency.items())
        terminal.info(f"This is the plan, {money or 'nothing by itself'} to customers; carry it out with --apply.")
    elif planned.charges.empty and planned.prices.empty:
        terminal.info("Nothing to repair.")


def _show_charges(planned: "of_charges.Plan") -> None:
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.money_text import money_text  # noqa: PLC0415 -- the same

    terminal.table(
        ("order", "captures to give back", "given back", "return completed by", "to be booked"),
        [
            (
                order.order_id,
                len(order.give_back),
                money_text(order.give_back_minor, order.currency) if order.give_back else "",
                money_text(order.pay_back_minor, order.currency) if order.pay_back_minor else "",
                _out_of_books(order, money_text),
            )
            for order in planned.orders
        ],
        title="Repair of charges",
    )
    if planned.webhooks:
        terminal.info(f"Webhooks that the provider never sent: {len(planned.webhooks)}.")
    if planned.recall:
        terminal.info(f"Taken back by name: {', '.join(planned.recall)}.")


def _out_of_books(order: "of_charges.OrderPlan", money_text: "Callable[[int, str], str]") -> str:
    amounts = (("captured", order.unbook_minor), ("refunded", order.unrefund_minor), ("owed", order.owe_minor))
    return ", ".join(f"{what} {money_text(amount, order.currency)}" for what, amount in amounts if amount)


def _show_prices(planned: "of_prices.Plan") -> None:
    from cli import terminal  # noqa: PLC0415 -- quick --help
    from scenarios.money_text import money_text  # noqa: PLC0415 -- the same

    if not planned.orders:
        return
    terminal.table(
        ("order", "should cost", "charged too much", "given back"),
        [
            (
                order.order_id,
                money_text(order.right_minor, order.currency),
                money_text(order.difference_minor, order.currency),
                money_text(order.give_back_minor, order.currency) if order.give_back_minor else "",
            )
            for order in planned.orders
        ],
        title="Repair of prices",
    )
