"""Correcting what an order was priced at, by the rules and by what it stored when it was placed.

The order itself stays as its customer was told; what is right stands beside it.
"""

from typing import Final
from uuid import UUID

import msgspec

from shared.money import Money
from shared.unit_of_work import Connection, UnitOfWork
from svc.orders.domain.correction import (
    Correction,
    NotConverted,
    OrderUndecided,
    PriceIsRight,
    PricesUnknown,
    RulesSayOtherwise,
    figures_of,
    right_figures,
)
from svc.orders.domain.machines import OrderState
from svc.orders.domain.order import OrderNotFound
from svc.orders.handlers.lifecycle import Because, locked
from svc.orders.pricing import Conversion, Line, PriceOrder, Totals
from svc.orders.store import corrections, coupons, history, orders, promotions
from svc.orders.store.orders import StoredOrder

_UNDECIDED: Final = frozenset({OrderState.PENDING, OrderState.RESERVED, OrderState.CANCELLING})


class Requoted(msgspec.Struct, frozen=True):
    """What payments promised for an order at another rate, and the catalog's unit prices of its lines, by position."""

    promised: Conversion
    catalog_prices: tuple[int, ...]


async def pinned_quote(connection: Connection, order_id: UUID) -> tuple[UUID, UUID]:
    """The quote of a converted order and its customer. Raises `OrderNotFound`, `NotConverted`."""
    order = await orders.find(connection, order_id)
    if order is None:
        raise OrderNotFound("there is no such order")
    if order.conversion is None:
        raise NotConverted("the order is in the currency of its goods")
    return order.conversion.quote_id, order.customer_id


async def correct_price(
    uow: UnitOfWork,
    order_id: UUID,
    believed: Money,
    because: Because,
    *,
    price_order: PriceOrder,
    requoted: Requoted | None = None,
) -> Correction:
    """Write down what the order should have cost, once; asked again it gives what was written.

    `believed` is the total that whoever asks makes of it: two must agree before money follows. Unit prices, classes of
    goods, quoted shipping, coupon and promotions are those of the order; terms of coupons and promotions never change.
    An order at another rate than was promised is `requoted`: its unit prices are those of the catalog at that rate,
    which at its own rate have to give its own. Moves no money. Raises `OrderNotFound`, `OrderUndecided`,
    `PriceIsRight`, `RulesSayOtherwise`, `PricesUnknown`; `UnsupportedCountry` for an address that was erased.
    """
    order = await locked(uow, order_id)
    known = await corrections.find(uow.connection, order_id)
    if known is not None:
        return known
    if order.state.order in _UNDECIDED:
        raise OrderUndecided(f"the order is {order.status.value}", status=order.status.value)
    unit_prices = None if requoted is None else _promised_prices(order, requoted)
    right = right_figures(await _priced(uow, order, price_order, unit_prices), unit_prices=unit_prices)
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
        rate_nano=None if requoted is None else requoted.promised.rate_nano,
    )
    note = f"priced at {order.total_minor} {order.currency}, right is {right.total_minor}: {because.reason}"
    await history.note(uow.connection, order_id, actor=because.actor, note=note)
    return correction


def _promised_prices(order: StoredOrder, requoted: Requoted) -> tuple[int, ...]:
    """The unit prices at the promised rate. Raises `PricesUnknown`, `PriceIsRight`."""
    own, promised = order.conversion, requoted.promised
    if own is None or own.quote_id != promised.quote_id or len(requoted.catalog_prices) != len(order.lines):
        raise PricesUnknown("this is neither the order's quote nor a price of each of its lines")
    if own.rate_nano == promised.rate_nano:
        raise PriceIsRight("the order is at the rate that was promised")
    prices = [Money(price_minor, own.from_currency) for price_minor in requoted.catalog_prices]
    if [own.price(price).amount_minor for price in prices] != [line.unit_price_minor for line in order.lines]:
        raise PricesUnknown("at the order's own rate these are not its prices")
    return tuple(promised.price(price).amount_minor for price in prices)


async def _priced(
    uow: UnitOfWork, order: StoredOrder, price_order: PriceOrder, unit_prices: tuple[int, ...] | None
) -> Totals:
    prices = unit_prices or tuple(line.unit_price_minor for line in order.lines)
    lines = [
        Line(line.sku, line.quantity, price_minor, order.currency, line.tax_class)
        for line, price_minor in zip(order.lines, prices, strict=True)
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
