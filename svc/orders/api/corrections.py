"""For operators: what an order should have cost, where it was priced otherwise."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.money import AMOUNT_MINOR_MAX, Money, MoneyWire
from shared.validated import line
from svc.orders.clients import Exchange
from svc.orders.domain.correction import Correction
from svc.orders.handlers.correcting import Requoted, correct_price, pinned_quote
from svc.orders.handlers.lifecycle import Because
from svc.orders.parts import Parts


class PriceCorrectionCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`total` is what the caller makes of the order; the rules must agree."""

    total: MoneyWire
    reason: Annotated[str, line(120)]


class RateCorrectionCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`total` is what the caller makes of the order at the promised rate; `catalog_prices` are those of its lines by
    position, in minor units of the currency of its goods.
    """

    total: MoneyWire
    catalog_prices: Annotated[
        list[Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MINOR_MAX)]], msgspec.Meta(max_length=500)
    ]
    reason: Annotated[str, line(120)]


class PriceCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """Minor units of `currency`; `difference_minor` is what was charged too much, negative for too little."""

    order_id: UUID
    currency: str
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    charged_minor: int
    difference_minor: int
    discounts: tuple[int, ...]
    taxes: tuple[int, ...]
    unit_prices: tuple[int, ...] | None = None
    rate_nano: int | None = None
    reason: str
    corrected_at: datetime


class CorrectionController(Controller):
    path = "/internal"
    tags = ("internal",)
    guards = (requires_role("service", "operator", "support"),)
    before_request = refuse_card_data

    @post("/orders/{order_id:uuid}/price-correction", status_code=200)
    async def correct_price(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        data: JSONBody[PriceCorrectionCreate],
        database: NamedDependency[Database],
        parts: NamedDependency[SkipValidation[Parts]],
    ) -> PriceCorrection:
        """Write down what the order should have cost by the rules, once; repeating it changes nothing."""
        because = Because(f"operator:{principal.subject}", data.reason)
        async with database.begin() as uow:
            believed = Money.from_wire(data.total)
            return _view(await correct_price(uow, order_id, believed, because, price_order=parts.price_order))

    @post("/orders/{order_id:uuid}/rate-correction", status_code=200)
    async def correct_rate(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        data: JSONBody[RateCorrectionCreate],
        database: NamedDependency[Database],
        exchange: NamedDependency[SkipValidation[Exchange]],
        parts: NamedDependency[SkipValidation[Parts]],
    ) -> PriceCorrection:
        """Write down what an order should have cost at the rate that was promised, once; repeating changes nothing."""
        because = Because(f"operator:{principal.subject}", data.reason)
        believed = Money.from_wire(data.total)
        async with database.acquire() as connection:
            quote_id, customer_id = await pinned_quote(connection, order_id)
        requoted = Requoted(await exchange.promised(quote_id, customer_id), tuple(data.catalog_prices))
        async with database.begin() as uow:
            return _view(
                await correct_price(uow, order_id, believed, because, price_order=parts.price_order, requoted=requoted)
            )


def _view(correction: Correction) -> PriceCorrection:
    right = correction.right
    return PriceCorrection(
        order_id=correction.order_id,
        currency=correction.currency,
        discount_minor=right.discount_minor,
        tax_minor=right.tax_minor,
        shipping_minor=right.shipping_minor,
        total_minor=right.total_minor,
        charged_minor=correction.charged_minor,
        difference_minor=correction.difference_minor,
        discounts=right.discounts,
        taxes=right.taxes,
        unit_prices=right.unit_prices,
        rate_nano=correction.rate_nano,
        reason=correction.reason,
        corrected_at=correction.corrected_at,
    )
