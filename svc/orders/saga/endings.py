"""How the reserving step ends, once for the buyer's request and for the resolver: confirmed, refused or given up."""

from shared.clock import Clock
from shared.database import Database
from shared.errors import Kind, Refusal, RemoteRefusal
from shared.idempotency import Answer
from svc.orders.domain.cart import CartChanged, ProductUnavailable
from svc.orders.domain.draft import Draft
from svc.orders.handlers import placement
from svc.orders.handlers.placement import CouponExhausted
from svc.orders.settings import Settings


class StockRefused(Refusal):
    """Inventory's decision, passed on with its own code and members."""

    code = "stock_refused"
    kind = Kind.CONFLICT

    def __init__(self, refusal: RemoteRefusal) -> None:
        super().__init__(refusal.detail, **refusal.extra)
        self.code = refusal.code  # pyright: ignore[reportAttributeAccessIssue] a class per code would cost each buyer


class Endings:
    """One transaction each. None from any of them: somebody else ended the step first."""

    def __init__(self, database: Database, clock: Clock, config: Settings) -> None:
        self._database = database
        self._clock = clock
        self._config = config

    async def confirm(self, draft: Draft, *, actor: str) -> Answer | None:
        """Store the order whose stock is held; where a late rule refuses it, give the hold back."""
        try:
            async with self._database.begin() as uow:
                return await placement.confirm(uow, draft, now=self._clock.now(), actor=actor, config=self._config)
        except (CouponExhausted, CartChanged) as refusal:
            return await self.give_up(draft, refusal)

    async def refuse(self, draft: Draft, refusal: Refusal) -> Answer | None:
        """Nothing is held: store the answer."""
        async with self._database.acquire() as connection:
            return await placement.refuse(connection, draft, refusal)

    async def give_up(self, draft: Draft, refusal: Refusal) -> Answer | None:
        """Something may be held: store the answer, and let the saga give it back."""
        async with self._database.acquire() as connection:
            return await placement.give_up(connection, draft, refusal, config=self._config)


def stock_refusal(refusal: RemoteRefusal) -> Refusal | None:
    """What the buyer is told of inventory's no; None when it was no decision about stock."""
    if refusal.code == "unknown_sku":
        return ProductUnavailable("some goods are not for sale any more", items=[{"sku": refusal.extra.get("sku")}])
    return StockRefused(refusal) if refusal.status == 409 else None
