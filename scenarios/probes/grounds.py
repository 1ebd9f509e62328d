"""What attackers find: people with secrets of their own, goods, things that belong to somebody. Made when asked for.

Everything goes in through the services' own doors, honestly. Names carry the run's, so that runs do not meet.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import msgspec

from scenarios.probes.site import Site

TOKEN_TTL_S: Final = 600


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account and a fresh token."""

    user_id: str
    email: str
    password: str
    access_token: str


class Article(msgspec.Struct, frozen=True):
    """A product on sale, with one variant."""

    slug: str
    sku: str


class Grounds:
    """Shared by the attacks of one suite."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.name = uuid4().hex[:10]
        self._made: dict[str, Any] = {}

    async def person(self, who: str = "mallory", *roles: str) -> Person:
        """The one of that name, with these roles; a customer without any."""
        return await self._once(f"person {who}", lambda: self._person(who, list(roles or ("customer",))))

    async def article(self, name: str = "lamp") -> Article:
        """Something that anybody may buy."""
        return await self._once(f"article {name}", lambda: self._article(name))

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
        return Person(user_id, email, password, issued["items"][0]["access_token"])

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
