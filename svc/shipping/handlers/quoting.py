"""Prices of sending: offers for everyone, and quotes that one order may rely on for a while."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from shared.ids import new_id
from shared.unit_of_work import Connection, UnitOfWork
from svc.shipping.domain.addresses import PostalAddress, normalised, postal_code
from svc.shipping.domain.packing import pack, require_boxed
from svc.shipping.domain.promises import deliver_by
from svc.shipping.domain.quotes import Goods, Quote, QuoteExpired, UnknownQuote
from svc.shipping.domain.rates import CountryNotServed, CurrencyNotServed, Load, Offer, offers
from svc.shipping.settings import Settings
from svc.shipping.store import packing, quotes, rates
from svc.shipping.store.packing import Measures


class QuoteWish(msgspec.Struct, frozen=True, kw_only=True):
    """Goods for one customer at one place, or for whoever buys them in a country.

    `subtotal_minor` is what they are worth, for the free-shipping rule.
    """

    customer_id: UUID | None
    country: str
    postal_code: str | None
    method: str
    currency: str
    lines: tuple[tuple[str, int], ...]
    subtotal_minor: int | None


def merged(lines: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """One line per SKU, in their order."""
    total: dict[str, int] = {}
    for sku, quantity in lines:
        total[sku] = total.get(sku, 0) + quantity
    return tuple(sorted(total.items()))


async def offer(
    connection: Connection, *, country: str, currency: str, loads: Sequence[Load], subtotal_minor: int | None
) -> list[Offer]:
    """What sending the loads costs with each method, cheapest first. Raises `CurrencyNotServed`."""
    bands = await rates.bands(connection, country, currency)
    if not bands:
        raise CurrencyNotServed(f"there are no rates in {currency} for {country}", currency=currency)
    return offers(bands, loads=loads, subtotal_minor=subtotal_minor)


def by_method(found: Sequence[Offer], method: str, country: str) -> Offer:
    """The offer of one method. Raises `CountryNotServed`."""
    for one in found:
        if one.method == method:
            return one
    raise CountryNotServed(f"nothing is sent to {country} by {method}", country=country, method=method)


async def quote(uow: UnitOfWork, wish: QuoteWish, *, config: Settings) -> Quote:
    """Pack the goods, price the boxes, and store what it costs until the quote's time is over.

    Raises `InvalidAddress`, `ItemTooLarge`, `CurrencyNotServed`, `CountryNotServed`.
    """
    code = wish.postal_code
    if code is not None:
        code = postal_code(code, wish.country, await quotes.postal_form(uow.connection, wish.country))
    goods = await packing.items(uow.connection, wish.lines)
    packages = pack(goods, await packing.boxes(uow.connection))
    require_boxed(packages)
    loads = [Load(package.weight_g, package.volume_mm3) for package in packages]
    found = await offer(
        uow.connection,
        country=wish.country,
        currency=wish.currency,
        loads=loads,
        subtotal_minor=wish.subtotal_minor,
    )
    best = by_method(found, wish.method, wish.country)
    now = datetime.now(UTC)
    return await quotes.insert(
        uow.connection,
        Quote(
            id=new_id(),
            customer_id=wish.customer_id,
            country=wish.country,
            postal_code=code,
            method=best.method,
            carrier=best.carrier,
            currency=best.currency,
            amount_minor=best.amount_minor,
            parcels=best.parcels,
            deliver_by=deliver_by(now, days_max=best.days_max),
            expires_at=now,
            goods=tuple(Goods(sku, quantity) for sku, quantity in wish.lines),
        ),
        loads=loads,
        subtotal_minor=wish.subtotal_minor,
        lifetime_s=config.quote_lifetime_s,
    )


async def standing_quote(connection: Connection, quote_id: UUID, customer_id: UUID) -> Quote:
    """The customer's own quote, while orders may be placed at it. Raises `UnknownQuote`, `QuoteExpired`."""
    found = await quotes.standing(connection, quote_id)
    if found is None or found[0].customer_id != customer_id:
        raise UnknownQuote("there is no such quote")
    if not found[1]:
        raise QuoteExpired("the quote's time is over; ask for another", expired_at=found[0].expires_at.isoformat())
    return found[0]


async def measure(uow: UnitOfWork, sku: str, figures: Sequence[int]) -> Measures:
    """Weight (g), length, width and height (mm) of one piece; parcels that are packed stay as they are."""
    return await packing.measure(uow.connection, sku, figures)


async def checked_address(connection: Connection, address: PostalAddress) -> PostalAddress:
    """The address as its country's post writes it. Raises `InvalidAddress` with the field."""
    return normalised(address, await quotes.postal_form(connection, address.country))
