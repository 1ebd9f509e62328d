"""Placing an order within the buyer's request.

The goods are priced; one transaction claims the key and begins the saga, inventory holds the stock and pins the hold,
another stores the order or the refusal. Whatever is lost between them the resolver finishes; nothing is guessed.
"""

from collections.abc import Callable

import msgspec
import structlog

from shared import deadline
from shared.clock import Clock
from shared.database import Database
from shared.deadline import DeadlineExceeded
from shared.errors import Refusal, RemoteRefusal, RemoteTimeoutError, RemoteUnavailableError, WorldError
from shared.idempotency import Answer
from shared.money import Money
from shared.tracing import current_trace_id
from svc.orders.clients import Catalog, Inventory, Reservation, ShippingRates
from svc.orders.domain.cart import EmptyCart, sum_lines
from svc.orders.domain.draft import Draft, order_id_of
from svc.orders.domain.saga import HoldLost, NotOrdered, OutcomeUnknown
from svc.orders.placing.drafting import Goods, Identity, PlaceOrder, PriceOrder, check_goods, draft_order
from svc.orders.placing.refusals import stock_refusal
from svc.orders.placing.transactions import Transactions
from svc.orders.pricing import Coupon, UnknownCoupon, check_country
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

    def __init__(
        self,
        database: Database,
        *,
        catalog: Catalog,
        inventory: Inventory,
        shipping: ShippingRates,
        price_order: PriceOrder,
        clock: Clock,
        config: Settings,
        wake_resolver: Callable[[], None],
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._inventory = inventory
        self._shipping = shipping
        self._price_order = price_order
        self._clock = clock
        self._wake_resolver = wake_resolver
        self._transactions = Transactions(database, clock, config)

    async def place(self, command: PlaceOrder) -> Placed:
        """Place the order, or repeat what an earlier request with this key was answered.

        Refusals about the order itself are answers with a status; raised are those that store nothing, among them
        `IdempotencyKeyReused`, `RequestInFlight`, `EmptyCart`, `ProductUnavailable`, `PriceChanged`,
        `UnknownCoupon`, `OutcomeUnknown`, `NotOrdered`.
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
        """Price the wish by today's prices."""
        lines, cart_version = command.items, None
        if not lines:
            async with self._database.acquire() as connection:
                cart = await carts.load(connection, command.customer_id)
            lines, cart_version = cart.lines, cart.version
        if not lines:
            raise EmptyCart("there is nothing to order")
        check_country(command.shipping_address.country)  # one without tax rates is refused before anybody is asked
        lines = sum_lines(lines)
        variants = await self._catalog.current([line.sku for line in lines])
        currency = check_goods(lines, variants)
        worth = sum(variants[line.sku].price_minor * line.quantity for line in lines)
        quote = await self._shipping.quote(
            command.shipping_address.country,
            goods=Money(worth, currency),
            items=sum(line.quantity for line in lines),
        )
        return draft_order(
            command,
            identity,
            goods=Goods(lines=lines, variants=variants, cart_version=cart_version),
            quote=quote,
            coupon=await self._coupon(command.coupon),
            price_order=self._price_order,
            now=self._clock.now(),
            trace_id=current_trace_id(),
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
        answer = await self._transactions.confirm(draft, actor=f"customer:{draft.customer_id}")
        if answer is not None and answer.status != 201:  # given up: the hold goes back soon
            self._wake_resolver()
        return await self._transactions.stored(draft, answer)

    async def _pinned(self, draft: Draft) -> Reservation:
        """Let the hold last as long as the order: only then may it be confirmed, however late events arrive."""
        try:
            return await self._inventory.pin(draft.order_id)
        except (WorldError, RemoteRefusal, DeadlineExceeded) as error:
            raise await self._unknown(draft) from error

    async def _coupon(self, code: str | None) -> Coupon | None:
        if code is None:
            return None
        async with self._database.acquire() as connection:
            coupon = await coupons.find(connection, code.upper())
        if coupon is None:
            raise UnknownCoupon("there is no such coupon", coupon=code)
        return coupon

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
