"""Shipping's quotes and its check of addresses, and what serves while it is away."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from shared.bounded_map import BoundedMap
from shared.cache import Cache
from shared.errors import Kind, Refusal, RemoteRefusal, WorldError
from shared.money import Money
from shared.service_client import ServiceClient
from svc.orders.domain.draft import Address
from svc.orders.settings import Settings

LOCAL_QUOTES_S = 0.5
LOCAL_PLACES_S = 60.0
LOCAL_ENTRIES_MAX = 2_000

log = structlog.get_logger(__name__)


class ShippingUnavailable(Refusal):
    """Shipping did not answer, and nobody sent as much there lately; nothing was ordered."""

    code = "shipping_quote_unavailable"
    kind = Kind.UNAVAILABLE


class DeliveryNotServed(Refusal):
    """Shipping has no rate for that country, method or currency."""

    code = "delivery_not_served"
    kind = Kind.UNPROCESSABLE


class InvalidAddress(Refusal):
    """Nothing can be delivered there; `field` names what of it is wrong."""

    code = "invalid_address"
    kind = Kind.UNPROCESSABLE


class ItemTooLarge(Refusal):
    """Shipping has no box for it."""

    code = "item_too_large"
    kind = Kind.UNPROCESSABLE


class UnknownShippingQuote(Refusal):
    """Shipping gave this customer no such quote."""

    code = "unknown_shipping_quote"
    kind = Kind.UNPROCESSABLE


class ShippingQuoteExpired(Refusal):
    """The cost of shipping was promised for a time that is over."""

    code = "shipping_quote_expired"
    kind = Kind.CONFLICT


class ShippingQuoteMismatch(Refusal):
    """The quote is for other goods, another place or another way of sending; `differs` names what."""

    code = "shipping_quote_mismatch"
    kind = Kind.UNPROCESSABLE


class ShippingGoods(msgspec.Struct, frozen=True):
    sku: str
    quantity: int


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent where, and how; `worth` decides about free shipping and names the currency."""

    country: str
    method: str
    lines: tuple[tuple[str, int], ...]
    worth: Money


class ShippingQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What shipping quoted, in minor units; one with `customer_id` serves one order."""

    id: UUID
    customer_id: UUID | None
    country: str
    postal_code: str | None
    method: str
    carrier: str
    currency: str
    amount_minor: int
    parcels: int
    deliver_by: date
    expires_at: datetime
    goods: tuple[ShippingGoods, ...]

    def check_for(self, parcel: Parcel) -> None:
        """Raise `ShippingQuoteMismatch` when it was given for something else than the parcel."""
        said: dict[str, object] = {
            "goods": sorted((line.sku, line.quantity) for line in self.goods),
            "country": self.country,
            "shipping_method": self.method,
            "currency": self.currency,
        }
        wanted: dict[str, object] = {
            "goods": sorted(parcel.lines),
            "country": parcel.country,
            "shipping_method": parcel.method,
            "currency": parcel.worth.currency,
        }
        differs = [name for name in said if said[name] != wanted[name]]
        if differs:
            raise ShippingQuoteMismatch("the shipping quote is for something else", differs=differs)


class ShippingRates(Protocol):
    async def quote(self, parcel: Parcel) -> ShippingQuote: ...

    async def offer(self, customer_id: UUID, parcel: Parcel, *, postal_code: str) -> ShippingQuote: ...

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> ShippingQuote: ...

    async def checked(self, address: Address) -> Address: ...


class _Checked(msgspec.Struct, frozen=True):
    postal_code: str


class ShippingClient:
    """Quotes and addresses. What shipping said lately serves while it is away, each for its own time: docs/decisions
    has the table (0024).
    """

    def __init__(self, client: ServiceClient, cache: Cache, config: Settings) -> None:
        self._client = client
        self._cache = cache
        self._config = config
        self._local: BoundedMap[str, tuple[float, ShippingQuote]] = BoundedMap(LOCAL_ENTRIES_MAX)
        self._places: BoundedMap[str, tuple[float, str]] = BoundedMap(LOCAL_ENTRIES_MAX)

    async def quote(self, parcel: Parcel) -> ShippingQuote:
        """What sending the parcel costs whoever buys it; at most `quote_ttl_s` old, `quote_stale_s` while shipping is
        away.

        Raises `ShippingUnavailable`, `DeliveryNotServed`, `ItemTooLarge`.
        """
        goods = ",".join(f"{sku}*{quantity}" for sku, quantity in sorted(parcel.lines))
        worth = parcel.worth
        key = f"quote:{parcel.country}:{parcel.method}:{worth.currency}:{worth.amount_minor}:{goods}"
        known = self._local.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        with _shipping_refusals(parcel):
            quote = await self._cache.get_or_load(
                key,
                lambda: self._ask_for(parcel),
                value_type=ShippingQuote,
                ttl_s=self._config.quote_ttl_s,
                stale_s=self._config.quote_stale_s,
            )
        self._local.put(key, (time.monotonic() + LOCAL_QUOTES_S, quote))
        return quote

    async def offer(self, customer_id: UUID, parcel: Parcel, *, postal_code: str) -> ShippingQuote:
        """A quote for one order of the customer to a checked postal code; remembered for `quoted`.

        Raises `ShippingUnavailable`, `DeliveryNotServed`, `ItemTooLarge`, `InvalidAddress`.
        """
        with _shipping_refusals(parcel):
            quote = await self._ask_for(parcel, customer_id=customer_id, postal_code=postal_code)

        async def told() -> ShippingQuote:
            return quote

        async def checked() -> _Checked:
            return _Checked(quote.postal_code or postal_code)

        kept_s = self._config.quote_kept_s
        await self._cache.get_or_load(
            _personal(quote.id), told, value_type=ShippingQuote, ttl_s=self._config.quote_ttl_s, stale_s=kept_s
        )
        await self._cache.get_or_load(
            _place(parcel.country, postal_code), checked, value_type=_Checked, ttl_s=kept_s, stale_s=kept_s
        )
        return quote

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> ShippingQuote:
        """What was offered to the customer. Whether its time is over is for the caller to see, if shipping did not.

        Raises `UnknownShippingQuote`, `ShippingQuoteExpired`, `ShippingUnavailable`.
        """
        try:
            quote = await self._cache.get_or_load(
                _personal(quote_id),
                lambda: self._client.request(
                    "shipping",
                    "GET",
                    f"/internal/quotes/{quote_id}",
                    params={"customer_id": str(customer_id)},
                    response_type=ShippingQuote,
                    timeout_s=self._config.quote_timeout_s,
                ),
                value_type=ShippingQuote,
                ttl_s=self._config.quote_ttl_s,
                stale_s=self._config.quote_kept_s,
            )
        except RemoteRefusal as refusal:
            known = {"unknown_quote": UnknownShippingQuote, "quote_expired": ShippingQuoteExpired}.get(refusal.code)
            if known is None:
                raise
            raise known(refusal.detail, **refusal.extra) from refusal
        except WorldError as error:
            raise ShippingUnavailable("the shipping quote cannot be looked up right now; try again soon") from error
        if quote.customer_id != customer_id:
            raise UnknownShippingQuote("there is no such quote")
        return quote

    async def checked(self, address: Address) -> Address:
        """The address with its postal code as the country writes it; as it is given while shipping is away.

        Raises `InvalidAddress`.
        """
        place = _place(address.country, address.postal_code)
        kept = self._places.get(place)
        if kept is not None and kept[0] > time.monotonic():
            return msgspec.structs.replace(address, postal_code=kept[1])
        try:
            known = await self._cache.get_or_load(
                place,
                lambda: self._client.request(
                    "shipping",
                    "POST",
                    "/api/v1/shipping/addresses/check",
                    json=msgspec.structs.asdict(address),
                    response_type=_Checked,
                    idempotent=True,
                    timeout_s=self._config.quote_timeout_s,
                ),
                value_type=_Checked,
                ttl_s=self._config.quote_kept_s,
                stale_s=self._config.quote_stale_s,
            )
        except RemoteRefusal as refusal:
            raise _refusal_of(refusal, {}) from refusal
        except WorldError:
            log.warning("address_taken_as_given", country=address.country)
            return address
        self._places.put(place, (time.monotonic() + LOCAL_PLACES_S, known.postal_code))
        return msgspec.structs.replace(address, postal_code=known.postal_code)

    async def _ask_for(
        self, parcel: Parcel, *, customer_id: UUID | None = None, postal_code: str | None = None
    ) -> ShippingQuote:
        return await self._client.request(
            "shipping",
            "POST",
            "/internal/quotes",
            json={
                "customer_id": customer_id,
                "country": parcel.country,
                "postal_code": postal_code,
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in parcel.lines],
                "method": parcel.method,
                "currency": parcel.worth.currency,
                "subtotal_minor": parcel.worth.amount_minor,
            },
            response_type=ShippingQuote,
            idempotent=True,  # a quote that nobody got to see is of no use to anybody
            timeout_s=self._config.quote_timeout_s,
        )


def _personal(quote_id: UUID) -> str:
    return f"shipping-quote:{quote_id}"


def _place(country: str, postal_code: str) -> str:
    return f"place:{country}:{postal_code}"


@contextmanager
def _shipping_refusals(parcel: Parcel) -> Generator[None]:
    """Shipping's refusals and its absence, in the words of orders."""
    try:
        yield
    except RemoteRefusal as refusal:
        place = {"country": parcel.country, "method": parcel.method, "currency": parcel.worth.currency}
        raise _refusal_of(refusal, place) from refusal
    except WorldError as error:
        raise ShippingUnavailable("shipping cannot be quoted right now; try again soon") from error


def _refusal_of(refusal: RemoteRefusal, place: Mapping[str, str]) -> Exception:
    if refusal.code == InvalidAddress.code:
        return InvalidAddress(refusal.detail, field=refusal.extra.get("field"))
    if refusal.code == ItemTooLarge.code:
        return ItemTooLarge(refusal.detail, sku=refusal.extra.get("sku"))
    if refusal.status == 422:
        return DeliveryNotServed(refusal.detail, **place)
    return refusal
