"""Goods that come back: what the customer paid for them is owed to them."""

from collections import Counter
from datetime import timedelta

from shared.contracts import Envelope
from shared.contracts.orders import ReturnCompleted
from shared.contracts.shipping import ReturnReceived
from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.machines import OrderState
from svc.orders.domain.returns import due_for_return
from svc.orders.handlers.lifecycle import Because, locked, tell
from svc.orders.store import corrections, history, returns


async def take_return(uow: UnitOfWork, envelope: Envelope[ReturnReceived], *, patience: timedelta) -> None:  # noqa: ARG001 all facts are taken alike
    """A parcel brought goods back: it is counted once, and payments is told what is owed for it.

    A cancelled order is paid back whole by its cancellation, so of that nothing more is owed; one that was charged too
    much was paid the difference back, so of its goods what they should have cost is owed.
    """
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    came = Counter[str]()
    for line in fact.lines:
        came[line.sku] += line.quantity
    before, given_minor = await returns.so_far(uow.connection, order.id)
    lines, total_minor = order.lines, order.total_minor
    correction = await corrections.find(uow.connection, order.id)
    if correction is not None and correction.difference_minor > 0:
        lines, total_minor = correction.right.of_lines(lines), correction.right.total_minor
    due = due_for_return(lines, total_minor=total_minor, came=came, before=before, given_minor=given_minor)
    if not await returns.keep(
        uow.connection, fact.shipment_id, order.id, units=due.units, amount_minor=due.amount_minor
    ):
        return
    owed = Money(due.amount_minor, order.currency)
    note = f"{sum(due.units.values())} of {sum(came.values())} came back, worth {owed.decimal_string} {order.currency}"
    await history.note(uow.connection, order.id, actor="shipping", note=note)
    if due.amount_minor > 0 and order.state.order is not OrderState.CANCELLED:
        because = Because("shipping", "goods returned")
        owed_for = {"return_id": fact.shipment_id, "amount_minor": due.amount_minor}
        await tell(uow, order, ReturnCompleted, because, **owed_for)
