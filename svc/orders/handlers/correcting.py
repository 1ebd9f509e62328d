"""Correcting what an order was priced at, by the rules and by what it stored when it was placed.

The order itself stays as its customer was told; what is right stands beside it.
"""

from typing import Final
from uuid import UUID

from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.correction import (
    Correction,
    OrderUndecided,
    PriceIsRight,
    RulesSayOtherwise,
    figures_of,
    right_figures,
)
from svc.orders.domain.machines import OrderState
from svc.orders.handlers.lifecycle import Because, locked
from svc.orders.pricing import Line, PriceOrder, Totals
from svc.orders.store import corrections, coupons, history, promotions
from svc.orders.store.orders import StoredOrder

_UNDECIDED: Final = frozenset({OrderState.PENDING, OrderState.RESERVED, OrderState.CANCELLING})


async def correct_price(
    uow: UnitOfWork, order_id: UUID, believed: Money, because: Because, *, price_order: PriceOrder
) -> Correction:
    """Write down what the order should have cost, once; asked again it gives what was written.

    `believed` is the total that whoever asks makes of it: two must agree before money follows. Unit prices, classes of
    goods, quoted shipping, coupon and promotions are those of the order; terms of coupons and promotions never change.
    Moves no money. Raises `OrderNotFound`, `OrderUndecided`, `PriceIsRight`, `RulesSayOtherwise`; `UnsupportedCountry`
    for an address that was erased.
    """
    order = await locked(uow, order_id)
    known = await corrections.find(uow.connection, order_id)
    if known is not None:
        return known
    if order.state.order in _UNDECIDED:
        raise OrderUndecided(f"the order is {order.status.value}", status=order.status.value)
    right = right_figures(await _priced(uow, order, price_order))
    told = figures_of(
        order.lines,
        discount_minor=order.discount_minor,
        tax_minor=order.tax_minor,
        shipping_minor=order.shipping_minor,
        total_minor=order.total_minor,
    )
    if right == told:
        raise PriceIsRight("the order costs what the rules say")
    by_rules = Money(right.total_minor, order.currency)
    if by_rules != believed:
        raise RulesSayOtherwise(f"the rules make it {by_rules.decimal_string} {by_rules.currency}")
    correction = await corrections.insert(
        uow.connection,
        order_id,
        right,
        currency=order.currency,
        charged_minor=order.total_minor,
        reason=because.reason,
        actor=because.actor,
    )
    note = f"priced at {order.total_minor} {order.currency}, right is {right.total_minor}: {because.reason}"
    await history.note(uow.connection, order_id, actor=because.actor, note=note)
    return correction


async def _priced(uow: UnitOfWork, order: StoredOrder, price_order: PriceOrder) -> Totals:
    lines = [
        Line(line.sku, line.quantity, line.unit_price_minor, order.currency, line.tax_class) for line in order.lines
    ]
    coupon = None if order.coupon is None else await coupons.find(uow.connection, order.coupon)
    assert order.coupon is None or coupon is not None, "a coupon is never deleted"
    return price_order(
        lines,
        country=order.shipping_address.country,
        shipping=Money(order.shipping_minor, order.currency),
        coupon=coupon,
        promotions=await promotions.of_order(uow.connection, order.id),
    )
