"""Placing an order within the buyer's request.

The goods are priced; one transaction claims the key and begins the saga, inventory holds the stock and pins the hold,
another stores the order or the refusal. Whatever is lost between them the resolver finishes; nothing is guessed.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
import structlog

from shared import deadline
from shared.clock import Clock
from shared.database import Database
from shared.deadline import DeadlineExceeded
from shared.errors import Refusal, RemoteRefusal, RemoteTimeoutError, RemoteUnavailableError, WorldError
from shared.idempotency import Answer
from shared.tracing import current_trace_id
from svc.orders.clients import (
    Catalog,
    Exchange,
    Inventory,
    Parcel,
    Reservation,
    ShippingQuote,
    ShippingQuoteExpired,
    ShippingQuoteMismatch,
    ShippingRates,
)
from svc.orders.domain.cart import EmptyCart, sum_lines
from svc.orders.domain.draft import Address, Draft, Priced, order_id_of
from svc.orders.domain.saga import HoldLost, NotOrdered, OutcomeUnknown
from svc.orders.placing.drafting import (
    Goods,
    Identity,
    PlaceOrder,
    PreviewOrder,
    Wish,
    check_goods,
    converted,
    draft_order,
    price_goods,
)
from svc.orders.placing.refusals import stock_refusal
from svc.orders.placing.running_promotions import RunningPromotions
from svc.orders.placing.transactions import Transactions
from svc.orders.pricing import Conversion, Coupon, CouponNotApplicable, PriceOrder, UnknownCoupon, check_country
from svc.orders.settings import Settings
from svc.orders.store import carts, coupons

ROUTE = "POST /api/v1/orders"
RETRY_AFTER_S = 1

log = structlog.get_logger(__name__)


class Placed(msgspec.Struct, frozen=True):
    """The answer, and whether it is the stored one of an earlier request."""

    answer: Answer
    replayed: bool


class Placement:
    """Places orders. A sold-out buyer costs two short transactions and one call, an accepted one no more."""

    def __init__(  # noqa: PLR0913 everybody whom an order concerns
        self,
        database: Database,
        *,
        catalog: Catalog,
        inventory: Inventory,
        shipping: ShippingRates,
        exchange: Exchange,
        price_order: PriceOrder,
        clock: Clock,
        config: Settings,
        wake_resolver: Callable[[], None],
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._inventory = inventory
        self._shipping = shipping
        self._exchange = exchange
        self._price_order = price_order
        self._clock = clock
        self._wake_resolver = wake_resolver
        self._promotions = RunningPromotions(database, kept_s=config.promotions_kept_s)
        self._transactions = Transactions(database, clock, config)

    async def place(self, command: PlaceOrder) -> Placed:
        """Place the order, or repeat what an earlier request with this key was answered.

        Refusals about the order itself are answers with a status; raised are those that store nothing, among them
        `IdempotencyKeyReused`, `RequestInFlight`, `EmptyCart`, `ProductUnavailable`, `PriceChanged`,
        `UnknownCoupon`, `UnknownQuote`, `QuoteExpired`, `UnknownShippingQuote`, `ShippingQuoteExpired`,
        `ShippingQuoteMismatch`, `InvalidAddress`, `OutcomeUnknown`, `NotOrdered`.
        Invariant: one order, one hold and one answer per (customer, key).
        """
        identity = self.identify(command)
        try:
            draft = await self.draft(command, identity)
        except (Refusal, WorldError):
            known = await self._transactions.replay(identity.scope, identity.key, fingerprint=command.fingerprint)
            if known is None:
                raise
            return Placed(known, replayed=True)
        deadline.check()
        known = await self._transactions.begin(draft, fingerprint=command.fingerprint)
        if known is not None:
            return Placed(known, replayed=True)
        return Placed(await self.reserve_and_settle(draft), replayed=False)

    def identify(self, command: PlaceOrder) -> Identity:
        """Scope is customer and route, so that one customer's key says nothing about another's."""
        return Identity(
            order_id=order_id_of(command.customer_id, command.key),
            scope=f"{command.customer_id} {ROUTE}",
            key=command.key,
        )

    async def draft(self, command: PlaceOrder, identity: Identity) -> Draft:
        """Price the wish by today's prices, at the rate and the cost of shipping that the customer was quoted.

        The address is checked first; one that nothing can be delivered to is refused before anybody prices anything.
        """
        address = await self._shipping.checked(command.shipping_address)

        async def quoted(_: str) -> Conversion | None:
            if command.quote_id is None:
                return None
            return await self._exchange.quoted(command.quote_id, command.customer_id)

        async def sent(parcel: Parcel) -> ShippingQuote:
            if command.shipping_quote_id is None:
                return await self._shipping.quote(parcel)
            return await self._promised(command.shipping_quote_id, command.customer_id, parcel, address)

        priced = await self._price(command, quoted, sent)
        return draft_order(command, identity, priced, address=address, trace_id=current_trace_id())

    async def preview(self, command: PreviewOrder) -> Priced:
        """What the wish would cost now; in another currency than the catalog's at a rate that is quoted for it, and
        with a postal code at a cost of shipping that is.

        Refuses what `place` refuses of a wish, and `NoExchangeRate`. Holds nothing.
        """

        async def offered(currency: str) -> Conversion | None:
            if command.currency is None or command.currency == currency:
                return None
            return await self._exchange.offer(command.customer_id, from_currency=currency, to_currency=command.currency)

        async def sent(parcel: Parcel) -> ShippingQuote:
            if command.postal_code is None:
                return await self._shipping.quote(parcel)
            return await self._shipping.offer(command.customer_id, parcel, postal_code=command.postal_code)

        return await self._price(command, offered, sent)

    async def _promised(self, quote_id: UUID, customer_id: UUID, parcel: Parcel, address: Address) -> ShippingQuote:
        """The quote that the customer was shown, for exactly this parcel and while it stands."""
        quote = await self._shipping.quoted(quote_id, customer_id)
        if quote.expires_at <= self._clock.now():
            raise ShippingQuoteExpired(
                "the cost of shipping was promised for a time that is over; look at it once more",
                expired_at=quote.expires_at.isoformat(),
            )
        quote.check_for(parcel)
        if quote.postal_code != address.postal_code:
            raise ShippingQuoteMismatch("the shipping quote is for another place", differs=["postal_code"])
        return quote

    async def _price(
        self,
        wish: Wish,
        conversion_from: Callable[[str], Awaitable[Conversion | None]],
        quote_for: Callable[[Parcel], Awaitable[ShippingQuote]],
    ) -> Priced:
        lines, cart_version = wish.items, None
        if not lines:
            async with self._database.acquire() as connection:
                cart = await carts.load(connection, wish.customer_id)
            lines, cart_version = cart.lines, cart.version
        if not lines:
            raise EmptyCart("there is nothing to order")
        check_country(wish.country)  # one without tax rates is refused before anybody is asked
        lines = sum_lines(lines)
        variants = await self._catalog.current([line.sku for line in lines])
        currency = check_goods(lines, variants)
        conversion = await conversion_from(currency)
        goods = Goods(
            lines=lines,
            variants=converted(variants, conversion),
            currency=currency if conversion is None else conversion.to_currency,
            conversion=conversion,
            cart_version=cart_version,
        )
        now = self._clock.now()
        return price_goods(
            goods,
            country=wish.country,
            shipping=await quote_for(goods.parcel(wish)),
            coupon=await self._coupon(wish.coupon, guest=wish.guest),
            promotions=await self._promotions.at(now),
            price_order=self._price_order,
            now=now,
        )

    async def reserve_and_settle(self, draft: Draft) -> Answer:
        """Ask inventory, then store order or refusal; an unknown outcome is left to the saga."""
        try:
            reservation = await self._inventory.reserve(draft.order_id, draft.customer_id, draft.wanted)
        except RemoteRefusal as refused:
            refusal = stock_refusal(refused)
            if refusal is None:
                log.exception("reserve_refused_oddly", order_id=str(draft.order_id))
                await self._forget(draft)
                raise NotOrdered("nothing was ordered; try again", retry_after_s=RETRY_AFTER_S) from refused
            return await self._transactions.stored(draft, await self._transactions.refuse(draft, refusal))
        except DeadlineExceeded:
            await self._forget(draft)
            raise
        except RemoteTimeoutError as error:
            raise await self._unknown(draft) from error
        except RemoteUnavailableError as error:
            if error.effect_possible:
                raise await self._unknown(draft) from error
            await self._forget(draft)
            raise NotOrdered("stock cannot be asked right now; try again", retry_after_s=RETRY_AFTER_S) from error
        if reservation.held:
            reservation = await self._pinned(draft)
        if not reservation.held:
            refusal = HoldLost(f"the stock of this order is {reservation.status}; use a new Idempotency-Key")
            return await self._transactions.stored(draft, await self._transactions.refuse(draft, refusal))
        answer = await self._transactions.confirm(draft, actor=draft.buyer)
        if answer is not None and answer.status != 201:  # given up: the hold goes back soon
            self._wake_resolver()
        return await self._transactions.stored(draft, answer)

    async def _pinned(self, draft: Draft) -> Reservation:
        """Let the hold last as long as the order: only then may it be confirmed, however late events arrive."""
        try:
            return await self._inventory.pin(draft.order_id)
        except (WorldError, RemoteRefusal, DeadlineExceeded) as error:
            raise await self._unknown(draft) from error

    async def _coupon(self, code: str | None, *, guest: bool) -> Coupon | None:
        if code is None:
            return None
        async with self._database.acquire() as connection:
            terms = await coupons.find_terms(connection, code.upper())
        if terms is None:
            raise UnknownCoupon("there is no such coupon", coupon=code)
        if guest and terms.uses_per_customer_max is not None:
            raise CouponNotApplicable("this coupon is for customers with an account", coupon=code)
        return terms.coupon

    async def _forget(self, draft: Draft) -> None:
        """Nothing happened. Raises `OutcomeUnknown` when the resolver is at the saga, which may order it yet."""
        if not await self._transactions.forget(draft.order_id):
            raise await self._unknown(draft)

    async def _unknown(self, draft: Draft) -> OutcomeUnknown:
        await self._transactions.hand_over(draft.order_id)
        self._wake_resolver()
        return OutcomeUnknown(
            "whether the order was placed is not known yet; repeat the request with the same Idempotency-Key",
            order_id=str(draft.order_id),
            retry_after_s=RETRY_AFTER_S,
        )
