"""The stall a sale is held at: a SKU of its own with a known supply, and buyers who can log in.

Every run gets a new SKU, so that runs on one stack never touch each other's stock.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

import msgspec

from scenarios.fleet import Fleet
from scenarios.workloads.flash_sale import Buyer

PRICE_MINOR = 12_900
CURRENCY = "EUR"
PER_CUSTOMER = 2
CHUNK = 2_000
TOKEN_TTL_S = 600
PROPAGATION_DEADLINE_S = 20.0


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_at` is epoch seconds, after the goods had arrived."""

    sku: str
    units: int
    per_customer: int
    buyers: tuple[Buyer, ...]
    opened_at: float


async def open_market(fleet: Fleet, *, seed: int, units: int, buyers: int) -> Market:
    """Import the product, receive its units, and equip the buyers with tokens."""
    opened_at = time.time()
    sku = f"JACKET-{seed}-{uuid4().hex[:8]}".upper()
    crowd, _ = await asyncio.gather(_crowd(fleet, buyers), _offer(fleet, sku, units))
    return Market(sku=sku, units=units, per_customer=PER_CUSTOMER, buyers=tuple(crowd), opened_at=opened_at)


async def _offer(fleet: Fleet, sku: str, units: int) -> None:
    slug = sku.lower()
    await fleet.call(
        "catalog",
        "POST",
        "/internal/products/import",
        json={
            "items": [
                {
                    "slug": slug,
                    "title": f"Storm jacket {sku[-4:]}",
                    "description": "The one everybody wants.",
                    "category": "jackets",
                    "status": "active",
                    "variants": [
                        {"sku": sku, "options": {"size": "M"}, "price_minor": PRICE_MINOR, "currency": CURRENCY}
                    ],
                }
            ]
        },
    )
    await fleet.call(
        "inventory",
        "POST",
        "/internal/stock/import",
        json={
            "items": [{"sku": sku, "quantity": units, "reference": f"opening {sku}", "purchase_limit": PER_CUSTOMER}]
        },
    )


async def _crowd(fleet: Fleet, count: int) -> list[Buyer]:
    """The same people in every run, imported once per stack, with fresh tokens."""
    emails = [f"buyer-{number:05}@flash.example" for number in range(count)]
    buyers: list[Buyer] = []
    for start in range(0, count, CHUNK):
        buyers.extend(await _equip(fleet, emails[start : start + CHUNK]))
    return buyers


async def _equip(fleet: Fleet, emails: Sequence[str]) -> list[Buyer]:
    imported = await fleet.call(
        "auth",
        "POST",
        "/internal/users/import",
        json={"items": [{"email": email, "name": "A. Buyer", "roles": ["customer"]} for email in emails]},
    )
    subjects = [item["user_id"] for item in imported["items"]]
    tokens = await fleet.call("auth", "POST", "/internal/tokens", json={"subjects": subjects, "ttl_s": TOKEN_TTL_S})
    return [Buyer(item["user_id"], item["access_token"]) for item in tokens["items"]]
