"""What sending costs: shown to everyone, quoted to orders."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from shared.currencies import Currency
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.money import Money, MoneyWire
from shared.validated import AmountMinor, Country, Sku, in_query, line, matching
from svc.shipping.domain.packing import ITEM_WEIGHT_G, MM3_PER_CM3
from svc.shipping.domain.promises import deliver_by
from svc.shipping.domain.quotes import Quote, UnknownQuote
from svc.shipping.domain.rates import Load, Offer
from svc.shipping.handlers import quoting
from svc.shipping.handlers.quoting import QuoteWish
from svc.shipping.settings import Settings
from svc.shipping.store import quotes

DEFAULT_CURRENCY = "EUR"
DEFAULT_METHOD = "standard"
WEIGHT_G_MAX = 1_000_000
VOLUME_CM3_MAX = 100_000_000
LINES_MAX = 50
LINE_QUANTITY_MAX = 10_000
STAFF = ("admin", "support", "service")

Destination = Annotated[str, in_query(Country)]
CurrencyWish = Annotated[Currency, QueryParameter(required=False)]
Method = Annotated[str, matching(r"[a-z]+", 20)]
WeightG = Annotated[int, QueryParameter(ge=1, le=WEIGHT_G_MAX, required=False)]
VolumeCm3 = Annotated[int, QueryParameter(ge=0, le=VOLUME_CM3_MAX, required=False)]
Subtotal = Annotated[int | None, in_query(AmountMinor, required=False)]
PostalCode = Annotated[str, line(20)]


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """One way to send; `days_max` working days, or the day `deliver_by`, is the delivery promise."""

    method: str
    carrier: str
    price: MoneyWire
    days_max: int
    deliver_by: date
    parcels: int
    free: bool


class OfferList(msgspec.Struct, frozen=True):
    items: list[OfferView]


class QuoteLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=LINE_QUANTITY_MAX)]


class QuoteCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`subtotal_minor` of the goods in `currency` decides about free shipping; only services may say it.

    With `customer_id` it is for one order of that customer; with `postal_code` the code is checked.
    """

    customer_id: UUID | None = None
    country: Country
    postal_code: PostalCode | None = None
    lines: Annotated[list[QuoteLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    method: Method = DEFAULT_METHOD
    currency: Currency = DEFAULT_CURRENCY
    subtotal_minor: AmountMinor | None = None


class RateController(Controller):
    path = "/api/v1/shipping/rates"
    tags = ("shipping",)

    @get("/", opt={"public": True})
    async def list_offers(
        self,
        country: Destination,
        database: NamedDependency[Database],
        weight_g: WeightG = ITEM_WEIGHT_G,
        volume_cm3: VolumeCm3 = 0,
        currency: CurrencyWish = DEFAULT_CURRENCY,
        subtotal_minor: Subtotal = None,
    ) -> OfferList:
        """What sending a weight to a country costs; goods worth `subtotal_minor` may go for nothing.

        Much room counts as weight, with each carrier by its own rule.
        """
        async with database.acquire() as connection:
            found = await quoting.offer(
                connection,
                country=country,
                currency=currency,
                loads=[Load(weight_g, volume_cm3 * MM3_PER_CM3)],
                subtotal_minor=subtotal_minor,
            )
        return OfferList([_view(offer) for offer in found])


class QuoteController(Controller):
    path = "/api/v1/shipping/quotes"
    tags = ("shipping",)

    @get("/{quote_id:uuid}")
    async def show_quote(
        self, quote_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> Quote:
        """A quote of one's own, with the order it served."""
        async with database.acquire() as connection:
            found = await quotes.of_id(connection, quote_id)
        if found is None or principal.sees_of(*STAFF) not in {None, found.customer_id}:
            raise UnknownQuote("there is no such quote")
        return found


class InternalQuoteController(Controller):
    path = "/internal"
    tags = ("internal",)
    guards = (requires_role("service"),)

    @post("/quotes", status_code=201)
    async def create_quote(
        self, data: JSONBody[QuoteCreate], database: NamedDependency[Database], config: NamedDependency[Settings]
    ) -> Quote:
        """Pack the goods and price the boxes, for one order of a customer or for all of such goods, for a while.

        422 invalid_address with the field, item_too_large, country_not_served, currency_not_served.
        """
        wish = QuoteWish(
            customer_id=data.customer_id,
            country=data.country,
            postal_code=data.postal_code,
            method=data.method,
            currency=data.currency,
            lines=quoting.merged([(line.sku, line.quantity) for line in data.lines]),
            subtotal_minor=data.subtotal_minor,
        )
        async with database.begin() as uow:
            return await quoting.quote(uow, wish, config=config)

    @get("/quotes/{quote_id:uuid}")
    async def standing_quote(
        self,
        quote_id: FromPath[UUID],
        customer_id: FromQuery[UUID],
        database: NamedDependency[Database],
    ) -> Quote:
        """A customer's quote, as an order may be placed at it now; 409 quote_expired after its time."""
        async with database.acquire() as connection:
            return await quoting.standing_quote(connection, quote_id, customer_id)


def _view(offer: Offer) -> OfferView:
    return OfferView(
        method=offer.method,
        carrier=offer.carrier,
        price=Money(offer.amount_minor, offer.currency).to_wire(),
        days_max=offer.days_max,
        deliver_by=deliver_by(datetime.now(UTC), days_max=offer.days_max),
        parcels=offer.parcels,
        free=offer.free,
    )
