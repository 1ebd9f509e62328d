"""What attackers find: people with secrets of their own, goods, things that belong to somebody. Made when asked for.

Everything goes in through the services' own doors, honestly. Names carry the run's, so that runs do not meet.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec

from scenarios.probes.site import Site

TOKEN_TTL_S: Final = 600
UNITS: Final = 1_000
CROWD: Final = 24
"""A quick form's. More orders of one person at a moment wait at the door, and all others behind them."""
STAFF: Final = frozenset({"support", "admin"})
KNOWN_LIMIT_S: Final = 20.0
MOVED_LIMIT_S: Final = 40.0
UNPAID: Final = frozenset({"pending", "reserved"})
ENDED: Final = frozenset({"cancelled", "payment_failed", "refunded", "delivered", "completed"})
KNOWN_POLL_S: Final = 0.1
CHECKOUT: Final = ("gateway", "auth", "catalog", "inventory", "orders", "payments", "shipping")
"""The services without which nobody can order."""


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account and a fresh token."""

    user_id: str
    email: str
    password: str
    access_token: str
    roles: tuple[str, ...] = ("customer",)


class Article(msgspec.Struct, frozen=True):
    """A product on sale, with one variant."""

    slug: str
    sku: str


class Order(msgspec.Struct, frozen=True):
    """An order of somebody's; `street` is where it goes to, which nobody else may learn."""

    id: str
    number: str
    owner: Person
    street: str


class UnpreparedError(Exception):
    """What attacks build upon could not be made."""


class Grounds:
    """Shared by the attacks of one suite; `crowd` is how many requests an attack of a crowd makes at one moment."""

    def __init__(self, site: Site, *, crowd: int = CROWD) -> None:
        self.site = site
        self.crowd = crowd
        self.name = uuid4().hex[:10]
        self._made: dict[str, Any] = {}
        self._canaries: dict[str, Person] = {}

    @property
    def canaries(self) -> tuple[str, ...]:
        """What is some person's own, and must be in no answer to another."""
        return tuple(self._canaries)

    def told(self, answer: str, *, to: Person | None, knowing: str) -> list[str]:
        """The canaries of others in an answer, but for those that its reader had sent. The staff may know them."""
        if to is not None and not STAFF.isdisjoint(to.roles):
            return []
        return [
            canary
            for canary, owner in self._canaries.items()
            if canary in answer and canary not in knowing and (to is None or owner.user_id != to.user_id)
        ]

    async def person(self, who: str = "mallory", *roles: str) -> Person:
        """The one of that name, with these roles; a customer without any."""
        return await self._once(f"person {who}", lambda: self._person(who, list(roles or ("customer",))))

    async def article(self, name: str = "lamp") -> Article:
        """Something that anybody may buy."""
        return await self._once(f"article {name}", lambda: self._article(name))

    async def order(self, who: str) -> Order:
        """An order that this person placed, of goods that are in stock."""
        return await self._once(f"order {who}", lambda: self._order(who))

    async def order_to(self, who: str, address: dict[str, str]) -> Order:
        """The same, to an address of which these parts are as given."""
        return await self._once(f"order {who} {address}", lambda: self._order(who, **address))

    async def standing(self, order: Order) -> str:
        """The status of an order, past the service."""
        (row,) = await self.site.rows("orders", "SELECT status FROM audit.orders WHERE id = $1::uuid", order.id)
        return row["status"]

    async def paid(self, order: Order) -> None:
        """Wait until the order is paid for. Raises `UnpreparedError`."""
        await self._until(order, lambda status: status not in UNPAID, "paid for")

    async def ended(self, order: Order) -> None:
        """Wait until nothing more becomes of the order. Raises `UnpreparedError`."""
        await self._until(order, lambda status: status in ENDED, "ended")

    async def payment_of(self, order: Order) -> str:
        """The id of the payment that an order owes. Raises `UnpreparedError`."""
        until = time.monotonic() + KNOWN_LIMIT_S
        query = "SELECT id::text FROM audit.payments WHERE order_id = $1::uuid"
        while not (found := await self.site.rows("payments", query, order.id)):
            if time.monotonic() > until:
                raise UnpreparedError("payments never heard of an order")
            await asyncio.sleep(KNOWN_POLL_S)
        return found[0]["id"]

    async def stocked(self) -> Article:
        """Something that is on the shelf."""
        return await self._once("stocked", lambda: self._stocked("shelf"))

    async def scarce(self, allowed: int) -> Article:
        """The same, of which one customer may have only so many."""
        return await self._once("scarce", lambda: self._stocked("scarce", purchase_limit=allowed))

    async def place(self, person: Person, wish: dict[str, Any], *, key: str) -> tuple[int, Any]:
        """Order through the gateway; status and document of the answer."""
        headers = {"Authorization": f"Bearer {person.access_token}", "Idempotency-Key": key}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.site.url('gateway')}/api/v1/orders", json=wish, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    def wish(self, sku: str, *, quantity: int = 1, street: str = "1 Market Street") -> dict[str, Any]:
        """The body of an ordinary order."""
        return {
            "items": [{"sku": sku, "quantity": quantity}],
            "payment_method": "tok_visa",
            "shipping_address": {
                "name": "A. Buyer",
                "line1": street,
                "city": "Springfield",
                "postal_code": "D01 F5P2",
                "country": "IE",
            },
        }

    async def _order(self, who: str, **address: str) -> Order:
        owner, article = await self.person(who), await self.stocked()
        street = f"9 Canary Row {who} {self.name}"
        until = time.monotonic() + KNOWN_LIMIT_S
        while True:
            wish = self.wish(article.sku, street=street)
            wish["shipping_address"] |= address
            status, document = await self.place(owner, wish, key=f"{who}-{self.name}")
            if status == 201:
                self._canaries[street] = owner
                return Order(document["id"], document["number"], owner, street)
            if status != 503 or time.monotonic() > until:
                raise UnpreparedError(f"an honest order was refused: {status} {document}")
            await asyncio.sleep(KNOWN_POLL_S)

    async def _until(self, order: Order, reached: Callable[[str], bool], what: str) -> None:
        until = time.monotonic() + MOVED_LIMIT_S
        while not reached(await self.standing(order)):
            if time.monotonic() > until:
                raise UnpreparedError(f"an order was never {what}")
            await asyncio.sleep(KNOWN_POLL_S)

    async def _stocked(self, name: str, **rule: int) -> Article:
        article = await self.article(name)
        until = time.monotonic() + KNOWN_LIMIT_S
        while not await self.site.rows("inventory", "SELECT 1 FROM known_skus WHERE sku = $1", article.sku):
            if time.monotonic() > until:
                raise UnpreparedError("inventory never heard of a new product")
            await asyncio.sleep(KNOWN_POLL_S)
        item = {"sku": article.sku, "quantity": UNITS, "reference": f"opening {article.sku}", **rule}
        await self.site.call("inventory", "POST", "/internal/stock/import", json={"items": [item]})
        return article

    async def _once(self, what: str, make: Callable[[], Awaitable[Any]]) -> Any:
        if what not in self._made:
            self._made[what] = await make()
        return self._made[what]

    async def _person(self, who: str, roles: list[str]) -> Person:
        email, password = f"{who}-{self.name}@attack.example", f"pw-{self.name}-{who}-Canary9"
        item = {"email": email, "name": who.title(), "password": password, "roles": roles}
        imported = await self.site.call("auth", "POST", "/internal/users/import", json={"items": [item]})
        user_id = imported["items"][0]["user_id"]
        wanted = {"subjects": [user_id], "ttl_s": TOKEN_TTL_S}
        issued = await self.site.call("auth", "POST", "/internal/tokens", json=wanted)
        made = Person(user_id, email, password, issued["items"][0]["access_token"], tuple(roles))
        self._canaries |= dict.fromkeys((email, password), made)
        return made

    async def _article(self, name: str) -> Article:
        slug = f"{name}-{self.name}"
        product = {
            "slug": slug,
            "title": f"{name.title()} {self.name}",
            "category": "household",
            "variants": [{"sku": slug.upper(), "options": {"size": "M"}, "price_minor": 2_450, "currency": "EUR"}],
        }
        await self.site.call("catalog", "POST", "/internal/products/import", json={"items": [product]})
        return Article(slug, slug.upper())
