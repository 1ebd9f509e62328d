"""Other services as orders sees them: catalog's prices, inventory's holds, shipping's and payments' quotes.

Never called inside a transaction; every call ends within its own limit and the request's deadline.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from shared.bounded_map import BoundedMap
from shared.cache import Cache
from shared.errors import Kind, Refusal, RemoteRefusal, WorldError
from shared.fresh_reads import FreshReads
from shared.money import Money
from shared.service_client import ServiceClient
from shared.tax_classes import TaxClass
from svc.orders.domain.order import Withholding
from svc.orders.pricing import Conversion
from svc.orders.settings import Settings

LOCAL_PRICES_S = 0.5
LOCAL_ENTRIES_MAX = 2_000
FOR_SALE = "active"


class ShippingUnavailable(Refusal):
    """Shipping did not answer, and nobody sent as much there lately; nothing was ordered."""

    code = "shipping_quote_unavailable"
    kind = Kind.UNAVAILABLE


class DeliveryNotServed(Refusal):
    """Shipping has no rate for that country, method or currency."""

    code = "delivery_not_served"
    kind = Kind.UNPROCESSABLE


class ConversionUnavailable(Refusal):
    """Payments did not say what its rate is; nothing was ordered."""

    code = "conversion_unavailable"
    kind = Kind.UNAVAILABLE


class NoExchangeRate(Refusal):
    """Payments has no rate between the two currencies."""

    code = "no_exchange_rate"
    kind = Kind.UNPROCESSABLE


class UnknownQuote(Refusal):
    """Payments gave this customer no such quote."""

    code = "unknown_quote"
    kind = Kind.UNPROCESSABLE


class QuoteExpired(Refusal):
    """The rate was promised for a time that is over."""

    code = "quote_expired"
    kind = Kind.CONFLICT


class Variant(msgspec.Struct, frozen=True):
    """What the catalog says of a SKU; `price_minor` is before the tax of its `tax_class`."""

    sku: str
    product_id: UUID
    title: str
    price_minor: int
    currency: str
    status: str
    tax_class: TaxClass
    seller_id: str | None = None

    @property
    def for_sale(self) -> bool:
        return self.status == FOR_SALE


class ShippingQuote(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str
    method: str


class Reservation(msgspec.Struct, frozen=True):
    reservation_id: UUID
    status: str
    restocked: bool = False

    @property
    def held(self) -> bool:
        return self.status == "held"

    @property
    def undone(self) -> bool:
        """Whether none of its units are taken: given back, or committed and come back since."""
        return self.restocked or self.status in {"released", "expired"}


class Catalog(Protocol):
    async def variants(self, skus: Sequence[str]) -> dict[str, Variant]: ...

    async def current(self, skus: Sequence[str]) -> dict[str, Variant]: ...


class ShippingRates(Protocol):
    async def quote(self, country: str, *, method: str, goods: Money, items: int) -> ShippingQuote: ...


class Exchange(Protocol):
    async def offer(self, customer_id: UUID, *, from_currency: str, to_currency: str) -> Conversion: ...

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> Conversion: ...


class Warehouse(Protocol):
    async def withhold(self, order_id: UUID) -> Withholding: ...


class Inventory(Protocol):
    async def reserve(
        self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]
    ) -> Reservation: ...

    async def pin(self, reservation_id: UUID) -> Reservation: ...

    async def reservation(self, reservation_id: UUID) -> Reservation | None: ...

    async def release(self, reservation_id: UUID, *, reason: str) -> None: ...


class _Variants(msgspec.Struct):
    items: list[Variant]


class CatalogClient:
    """What goods cost: from the cache for browsing, from the catalog itself for buying."""

    def __init__(self, client: ServiceClient, cache: Cache, config: Settings) -> None:
        self._client = client
        self._cache = cache
        self._config = config
        self._local: BoundedMap[str, tuple[float, dict[str, Variant]]] = BoundedMap(LOCAL_ENTRIES_MAX)
        self._reads = FreshReads(self._load)

    async def current(self, skus: Sequence[str]) -> dict[str, Variant]:
        """The known ones among the SKUs, as the catalog has them now: a change that was acknowledged before is seen.

        Raises what `ServiceClient.request` raises.
        """
        return {variant.sku: variant for variant in await self._reads.get(",".join(sorted(skus)))}

    async def variants(self, skus: Sequence[str]) -> dict[str, Variant]:
        """The known ones among the SKUs, at most `price_ttl_s` + `LOCAL_PRICES_S` old: for showing, never for buying.

        Raises what `ServiceClient.request` raises.
        """
        wanted = ",".join(sorted(skus))
        known = self._local.get(wanted)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        items = await self._cache.get_or_load(
            f"variants:{wanted}", lambda: self._load(wanted), value_type=list[Variant], ttl_s=self._config.price_ttl_s
        )
        variants = {variant.sku: variant for variant in items}
        self._local.put(wanted, (time.monotonic() + LOCAL_PRICES_S, variants))
        return variants

    async def _load(self, wanted: str) -> list[Variant]:
        answer = await self._client.request(
            "catalog",
            "GET",
            "/internal/variants",
            params={"skus": wanted},
            response_type=_Variants,
            timeout_s=self._config.prices_timeout_s,
        )
        return answer.items


class ShippingClient:
    """Quotes; while shipping is away one serves that it gave for the same place, method, number of items and worth."""

    def __init__(self, client: ServiceClient, cache: Cache, config: Settings) -> None:
        self._client = client
        self._cache = cache
        self._config = config
        self._local: BoundedMap[str, tuple[float, ShippingQuote]] = BoundedMap(LOCAL_ENTRIES_MAX)

    async def quote(self, country: str, *, method: str, goods: Money, items: int) -> ShippingQuote:
        """The cost of sending so many items worth `goods` there, by the method that the buyer chose.

        Raises `ShippingUnavailable`, `DeliveryNotServed`.
        """
        currency = goods.currency
        key = f"quote:{country}:{method}:{currency}:{items}:{goods.amount_minor}"
        known = self._local.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        try:
            quote = await self._cache.get_or_load(
                key,
                lambda: self._load(country, method, goods, items),
                value_type=ShippingQuote,
                ttl_s=self._config.quote_ttl_s,
                stale_s=self._config.quote_stale_s,
            )
        except RemoteRefusal as refusal:
            if refusal.status == 422:
                raise DeliveryNotServed(refusal.detail, country=country, method=method, currency=currency) from refusal
            raise
        except WorldError as error:
            raise ShippingUnavailable("shipping cannot be quoted right now; try again soon") from error
        self._local.put(key, (time.monotonic() + LOCAL_PRICES_S, quote))
        return quote

    async def _load(self, country: str, method: str, goods: Money, items: int) -> ShippingQuote:
        return await self._client.request(
            "shipping",
            "GET",
            "/internal/rates/quote",
            params={
                "country": country,
                "method": method,
                "currency": goods.currency,
                "items": str(items),
                "subtotal_minor": str(goods.amount_minor),
            },
            response_type=ShippingQuote,
            timeout_s=self._config.quote_timeout_s,
        )


class _Quote(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    from_currency: str
    to_currency: str
    rate_nano: int
    expires_at: datetime


_QUOTE_REFUSALS: dict[str, type[Refusal]] = {
    refusal.code: refusal for refusal in (NoExchangeRate, UnknownQuote, QuoteExpired)
}


class ExchangeClient:
    """Rates as payments promises them to a customer; each is asked for once and then taken by its id."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.conversion_timeout_s

    async def offer(self, customer_id: UUID, *, from_currency: str, to_currency: str) -> Conversion:
        """A new quote of the rate of now. Raises `NoExchangeRate`, `ConversionUnavailable`."""
        wish = {"customer_id": customer_id, "from_currency": from_currency, "to_currency": to_currency}
        return await self._ask("POST", "/internal/quotes", json=wish)

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> Conversion:
        """What was quoted, while it may be ordered at.

        Raises `UnknownQuote`, `QuoteExpired`, `ConversionUnavailable`.
        """
        return await self._ask("GET", f"/internal/quotes/{quote_id}", params={"customer_id": str(customer_id)})

    async def _ask(
        self, method: str, path: str, *, json: object = None, params: Mapping[str, str] | None = None
    ) -> Conversion:
        try:
            quote = await self._client.request(
                "payments",
                method,
                path,
                json=json,
                params=params,
                response_type=_Quote,
                idempotent=True,  # a quote that nobody got to see is of no use to anybody
                timeout_s=self._timeout_s,
            )
        except RemoteRefusal as refusal:
            known = _QUOTE_REFUSALS.get(refusal.code)
            if known is None:
                raise
            raise known(refusal.detail, **refusal.extra) from refusal
        except WorldError as error:
            raise ConversionUnavailable("the rate cannot be asked for right now; try again soon") from error
        return Conversion(
            quote_id=quote.id,
            from_currency=quote.from_currency,
            to_currency=quote.to_currency,
            rate_nano=quote.rate_nano,
            expires_at=quote.expires_at,
        )


class _Withheld(msgspec.Struct):
    outcome: Literal["withheld", "too_late", "undecided"]


_ANSWERS = {"withheld": Withholding.WITHHELD, "too_late": Withholding.TOO_LATE, "undecided": Withholding.UNANSWERED}


class WarehouseClient:
    """Shipping as the keeper of the goods; asking again changes nothing."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.withhold_timeout_s

    async def withhold(self, order_id: UUID) -> Withholding:
        """Whether the goods of an order stay here; `unanswered` while the carrier may just be taking them."""
        answer = await self._client.request(
            "shipping",
            "POST",
            f"/internal/orders/{order_id}/withhold",
            response_type=_Withheld,
            idempotent=True,
            timeout_s=self._timeout_s,
        )
        return _ANSWERS[answer.outcome]


class InventoryClient:
    """Holds by reservation id, which is the order's id: repeating any of these calls changes nothing."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.reserve_timeout_s

    async def reserve(self, reservation_id: UUID, customer_id: UUID, lines: Sequence[tuple[str, int]]) -> Reservation:
        """Hold all lines or nothing. A repeat gives the reservation as it stands, which may have ended."""
        return await self._client.request(
            "inventory",
            "POST",
            "/internal/reservations",
            json={
                "reservation_id": reservation_id,
                "customer_id": customer_id,
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            },
            response_type=Reservation,
            idempotent=True,
            timeout_s=self._timeout_s,
        )

    async def pin(self, reservation_id: UUID) -> Reservation:
        """Let the hold last until the order ends; gives it as it stands, which may have ended before."""
        return await self._client.request(
            "inventory",
            "POST",
            f"/internal/reservations/{reservation_id}/pin",
            response_type=Reservation,
            idempotent=True,
            timeout_s=self._timeout_s,
        )

    async def reservation(self, reservation_id: UUID) -> Reservation | None:
        """The reservation as it stands; None when inventory never heard of it."""
        try:
            return await self._client.request(
                "inventory",
                "GET",
                f"/internal/reservations/{reservation_id}",
                response_type=Reservation,
                timeout_s=self._timeout_s,
            )
        except RemoteRefusal as refusal:
            if refusal.code == "unknown_reservation":
                return None
            raise

    async def release(self, reservation_id: UUID, *, reason: str) -> None:
        """Give a hold back; one that never came cannot come any more."""
        await self._client.request(
            "inventory",
            "POST",
            f"/internal/reservations/{reservation_id}/release",
            json={"reason": reason},
            idempotent=True,
            timeout_s=self._timeout_s,
        )
