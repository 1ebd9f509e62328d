"""What sending costs: shown to everyone, quoted to orders."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.validated import AmountMinor, Country, in_query, matching
from svc.shipping.domain import ITEM_WEIGHT_G, CountryNotServed, CurrencyNotServed, Offer, offers
from svc.shipping.settings import Settings
from svc.shipping.store import rates

DEFAULT_CURRENCY = "EUR"
DEFAULT_METHOD = "standard"
WEIGHT_G_MAX = 1_000_000
ITEMS_MAX = 100_000

Destination = Annotated[str, in_query(Country)]
CurrencyWish = Annotated[Currency, QueryParameter(required=False)]
Method = Annotated[str, matching(r"[a-z]+", 20)]
WeightG = Annotated[int, QueryParameter(ge=1, le=WEIGHT_G_MAX, required=False)]
Subtotal = Annotated[int | None, in_query(AmountMinor, required=False)]


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """One way to send; `days_max` is the delivery promise."""

    method: str
    price: MoneyWire
    days_max: int
    parcels: int
    free: bool


class OfferList(msgspec.Struct, frozen=True):
    items: list[OfferView]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Amount in minor units; good until `expires_at`."""

    amount_minor: int
    currency: str
    method: str
    days_max: int
    expires_at: datetime


class RateController(Controller):
    path = "/api/v1/shipping/rates"
    tags = ("shipping",)

    @get("/", opt={"public": True})
    async def list_offers(
        self,
        country: Destination,
        database: NamedDependency[Database],
        weight_g: WeightG = ITEM_WEIGHT_G,
        currency: CurrencyWish = DEFAULT_CURRENCY,
        subtotal_minor: Subtotal = None,
    ) -> OfferList:
        """What sending a weight to a country costs; goods worth `subtotal_minor` may go for nothing."""
        found = await _offers(database, country, currency, weight_g=weight_g, subtotal_minor=subtotal_minor)
        return OfferList([_view(offer) for offer in found])


class QuoteController(Controller):
    path = "/internal/rates/quote"
    tags = ("internal",)
    guards = (requires_role("service"),)

    @get("/")
    async def quote(
        self,
        country: Destination,
        items: Annotated[int, QueryParameter(ge=1, le=ITEMS_MAX)],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        currency: CurrencyWish = DEFAULT_CURRENCY,
        method: Annotated[str, in_query(Method, required=False)] = DEFAULT_METHOD,
        subtotal_minor: Subtotal = None,
    ) -> Quote:
        """The price of sending so many items with one method, and how long it is good for."""
        found = await _offers(
            database, country, currency, weight_g=items * ITEM_WEIGHT_G, subtotal_minor=subtotal_minor
        )
        for offer in found:
            if offer.method == method:
                return Quote(
                    amount_minor=offer.amount_minor,
                    currency=offer.currency,
                    method=offer.method,
                    days_max=offer.days_max,
                    expires_at=datetime.now(UTC) + timedelta(seconds=config.quote_lifetime_s),
                )
        raise CountryNotServed(f"nothing is sent to {country} by {method}", country=country, method=method)


async def _offers(
    database: Database, country: str, currency: str, *, weight_g: int, subtotal_minor: int | None
) -> list[Offer]:
    async with database.acquire() as connection:
        bands = await rates.bands(connection, country, currency)
    if not bands:
        raise CurrencyNotServed(f"there are no rates in {currency} for {country}", currency=currency)
    return offers(bands, weight_g=weight_g, subtotal_minor=subtotal_minor)


def _view(offer: Offer) -> OfferView:
    return OfferView(
        method=offer.method,
        price=Money(offer.amount_minor, offer.currency).to_wire(),
        days_max=offer.days_max,
        parcels=offer.parcels,
        free=offer.free,
    )
