"""The shop's opening stock of goods, people and past orders: deterministic by seed, harmless when repeated.

Everything goes in through the services' own doors; nothing writes their tables.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from compose.operator_error import OperatorError
from scenarios.fleet import Fleet, FleetRefusedError
from scenarios.workloads.market import COUNTRY, address_in

CHUNK = 1_000
PASSWORD = "correct horse battery staple"  # noqa: S105 the seeded people's, printed by shopctl seed
PAST_ORDERS_AT_ONCE = 8
OTHER_SHOP = ("sku_taken", "slug_taken")
"""What catalog says to goods of a different seeding."""

Report = Callable[[str, int, int], None]
"""Called with what is done, how many pieces, and of how many."""

T = TypeVar("T")


class SeedSize(msgspec.Struct, frozen=True):
    products: int
    users: int
    past_orders: int


SIZES = {
    "s": SeedSize(products=200, users=50, past_orders=10),
    "m": SeedSize(products=2_000, users=500, past_orders=50),
    "l": SeedSize(products=50_000, users=5_000, past_orders=100),
}
CATEGORIES = (
    "jackets", "trousers", "shirts", "shoes", "tents", "backpacks", "stoves", "bottles", "lamps", "maps",
)  # fmt: skip
TAX_CLASSES = {"bottles": "reduced", "maps": "zero"}
"""Of the categories that are not taxed as all others."""
ADJECTIVES = ("Light", "Storm", "Alpine", "Desert", "Northern", "Silent", "Classic", "Trail", "River", "Summit")
NOUNS = ("Jacket", "Trousers", "Shirt", "Shoes", "Tent", "Backpack", "Stove", "Bottle", "Lamp", "Map")
COUPONS = (("WELCOME10", 1_000, None), ("FIRST50", 2_500, 50))
"""Code, rate in basis points, uses in all."""
SIZES_OF_CLOTHES = ("S", "M", "L")
STAFF = (("admin@shopstream.example", "Ada Admin", ["customer", "admin"]),
         ("support@shopstream.example", "Sue Support", ["customer", "support"]),
         ("seller@shopstream.example", "Sam Seller", ["customer", "seller"]))  # fmt: skip


class Seeded(msgspec.Struct, frozen=True):
    """What stands in the shop now, and how long it took."""

    size: str
    seed: int
    products: int
    users: int
    past_orders: int
    seconds: float


async def seed(fleet: Fleet, *, size: str, seed: int, report: Report) -> Seeded:
    """Bring in the goods, the people and the past orders of a size.

    Raises `OperatorError` (seed.other_shop) where another number was seeded before,
    `FleetRefusedError`, `FleetAwayError`.
    """
    started = time.monotonic()
    wanted = SIZES[size]
    goods = products(wanted.products, random.Random(seed))
    await _import_products(fleet, goods, report)
    users = await _import_users(fleet, wanted.users, report)
    await _import_coupons(fleet)
    await _place_past_orders(fleet, users, goods, count=wanted.past_orders, seed=seed, report=report)
    return Seeded(size, seed, wanted.products, wanted.users, wanted.past_orders, time.monotonic() - started)


def products(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """The first goods of a seeding, as catalog's import takes them."""
    made: list[dict[str, Any]] = []
    for number in range(count):
        kind = number % len(CATEGORIES)
        name = f"{chance.choice(ADJECTIVES)} {NOUNS[kind]} {number + 1}"
        price_minor = chance.randrange(5, 400) * 100 + chance.choice((0, 49, 90, 99))
        made.append(
            {
                "slug": name.lower().replace(" ", "-"),
                "title": name,
                "description": f"{name}, from our {CATEGORIES[kind]}. Made for long days outside.",
                "category": CATEGORIES[kind],
                "status": "active",
                "tax_class": TAX_CLASSES.get(CATEGORIES[kind], "standard"),
                "variants": [
                    {
                        "sku": f"SKU-{number + 1:05}-{option}",
                        "options": {"size": option},
                        "price_minor": price_minor,
                        "currency": "EUR",
                    }
                    for option in SIZES_OF_CLOTHES
                ],
            }
        )
    return made


async def _import_products(fleet: Fleet, products: Sequence[dict[str, Any]], report: Report) -> None:
    done = 0
    for chunk in _chunks(products, CHUNK):
        await _import_chunk(fleet, chunk)
        done += len(chunk)
        report("products", done, len(products))
    stock = [
        {"sku": variant["sku"], "quantity": 500, "reference": f"seed {variant['sku']}"}
        for product in products
        for variant in product["variants"]
    ]
    for part in _chunks(stock, CHUNK):
        await fleet.receive(part)


async def _import_chunk(fleet: Fleet, chunk: Sequence[dict[str, Any]]) -> None:
    try:
        await fleet.call("catalog", "POST", "/internal/products/import", json={"items": chunk})
    except FleetRefusedError as error:
        if error.problem not in OTHER_SHOP:
            raise
        raise OperatorError(
            "seed.other_shop",
            "This shop was seeded with another number: its SKUs belong to other goods.",
            mend="Repeat the number of the first seeding, or begin anew: shopctl down --wipe, shopctl up.",
        ) from error


async def _import_users(fleet: Fleet, count: int, report: Report) -> list[str]:
    people: list[dict[str, Any]] = [
        {"email": email, "name": name, "password": PASSWORD, "roles": roles} for email, name, roles in STAFF
    ]
    people.extend(
        {
            "email": f"user-{number:05}@shopstream.example",
            "name": f"Customer {number}",
            "password": PASSWORD,
            "roles": ["customer"],
        }
        for number in range(1, count + 1)
    )
    ids: list[str] = []
    for chunk in _chunks(people, CHUNK):
        imported = await fleet.call("auth", "POST", "/internal/users/import", json={"items": chunk})
        ids.extend(item["user_id"] for item in imported["items"])
        report("users", len(ids), len(people))
    return ids[len(STAFF) :]


async def _import_coupons(fleet: Fleet) -> None:
    for code, rate_bp, uses_max in COUPONS:
        await fleet.call(
            "orders",
            "POST",
            "/api/v1/coupons",
            json={"code": code, "rate_bp": rate_bp, "uses_max": uses_max, "uses_per_customer_max": 1},
        )


async def _place_past_orders(
    fleet: Fleet, users: Sequence[str], products: Sequence[dict[str, Any]], *, count: int, seed: int, report: Report
) -> None:
    """Real orders through the gateway; the idempotency key makes a second seeding place none."""
    chance = random.Random(seed + 1)
    wanted = [
        (number, chance.choice(users), chance.choice(products)["variants"][0]["sku"], chance.randrange(1, 4))
        for number in range(count)
    ]
    subjects = sorted({user for _, user, _, _ in wanted})
    tokens = await fleet.call("auth", "POST", "/internal/tokens", json={"subjects": subjects, "ttl_s": 300})
    token_of = {item["user_id"]: item["access_token"] for item in tokens["items"]}
    places = asyncio.Semaphore(PAST_ORDERS_AT_ONCE)
    address = address_in(COUNTRY)
    done = 0

    async def place(number: int, user: str, sku: str, quantity: int) -> None:
        nonlocal done
        async with places:
            await fleet.buy(token_of[user], key=f"seed-{seed}-{number}", sku=sku, quantity=quantity, address=address)
            done += 1
            report("past orders", done, count)

    await asyncio.gather(*(place(*order) for order in wanted))


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
