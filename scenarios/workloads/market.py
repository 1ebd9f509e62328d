"""Goods of a run's own on the shelf, and people who can log in: what most workloads prepare.

Every run gets new SKUs, so that runs on one stack never touch each other's stock.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from scenarios.fleet import Fleet

CHUNK: Final = 2_000
TOKEN_TTL_S: Final = 600
CURRENCY: Final = "EUR"
COUNTRY: Final = "IE"
POSTAL_CODES: Final = {"IE": "D01 F5P2", "JP": "100-0001", "KW": "13001", "US": "10001"}
"""A place in each country that the workloads send to."""


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One thing for sale; `per_customer` is its purchase limit."""

    sku: str
    title: str
    category: str
    price_minor: int
    currency: str = CURRENCY
    tax_class: str = "standard"
    units: int
    per_customer: int | None = None


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account and a fresh token."""

    user_id: str
    access_token: str


def address_in(country: str) -> dict[str, str]:
    """Somebody's address in a country (ISO 3166-1 alpha-2)."""
    return {
        "name": "A. Buyer",
        "line1": "1 Market Street",
        "city": "Springfield",
        "postal_code": POSTAL_CODES.get(country, "10115"),
        "country": country,
    }


async def put_on_sale(fleet: Fleet, article: Article) -> None:
    """Import the product and receive its units."""
    variant = {
        "sku": article.sku,
        "options": {"size": "M"},
        "price_minor": article.price_minor,
        "currency": article.currency,
    }
    product = {
        "slug": article.sku.lower(),
        "title": article.title,
        "description": "The one everybody wants.",
        "category": article.category,
        "status": "active",
        "tax_class": article.tax_class,
        "variants": [variant],
    }
    await fleet.call("catalog", "POST", "/internal/products/import", json={"items": [product]})
    stock = {
        "sku": article.sku,
        "quantity": article.units,
        "reference": f"opening {article.sku}",
        "purchase_limit": article.per_customer,
    }
    await fleet.receive([stock])


async def make_coupon(fleet: Fleet, code: str, *, rate_bp: int) -> None:
    """A percentage off anything, for anybody, as often as they like."""
    await fleet.call("orders", "POST", "/api/v1/coupons", json={"code": code, "rate_bp": rate_bp})


async def people(fleet: Fleet, emails: Sequence[str], *, roles: Sequence[str] = ("customer",)) -> list[Person]:
    """The same accounts in every run, imported once per stack, with fresh tokens."""
    found: list[Person] = []
    for start in range(0, len(emails), CHUNK):
        found.extend(await _equipped(fleet, emails[start : start + CHUNK], roles))
    return found


async def _equipped(fleet: Fleet, emails: Sequence[str], roles: Sequence[str]) -> list[Person]:
    imported = await fleet.call(
        "auth",
        "POST",
        "/internal/users/import",
        json={"items": [{"email": email, "name": "A. Buyer", "roles": list(roles)} for email in emails]},
    )
    subjects = [item["user_id"] for item in imported["items"]]
    tokens = await fleet.call("auth", "POST", "/internal/tokens", json={"subjects": subjects, "ttl_s": TOKEN_TTL_S})
    return [Person(item["user_id"], item["access_token"]) for item in tokens["items"]]
