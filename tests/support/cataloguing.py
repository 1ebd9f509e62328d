"""Products of a test's catalog, and what was published of them."""

from uuid import uuid4

from shared.database import Database
from shared.identity import Principal

SELLER = Principal(subject=str(uuid4()), roles=frozenset({"seller"}))
OTHER_SELLER = Principal(subject=str(uuid4()), roles=frozenset({"seller"}))
CUSTOMER = Principal(subject=str(uuid4()), roles=frozenset({"customer"}))
ADMIN = Principal(subject=str(uuid4()), roles=frozenset({"admin"}))


def item(slug="blue-mug", sku=None, price_minor=1250, category="kitchen/mugs", **more):
    return {
        "slug": slug,
        "title": slug.replace("-", " ").title(),
        "description": "for tea",
        "category": category,
        "variants": [{"sku": sku or f"SKU-{slug}", "options": {"size": "l"}, "price_minor": price_minor}],
        **more,
    }


async def imported(catalog, *items):
    status, body = await catalog.call("POST", "/internal/products/import", json={"items": list(items)})
    assert status == 200, body
    return body


async def created(catalog, principal=ADMIN, **more):
    await imported(catalog, item("seed-of-category"))
    status, body = await catalog.call(
        "POST",
        "/api/v1/products",
        principal=principal,
        json={
            "slug": "red-mug",
            "title": "Red mug",
            "category": "kitchen/mugs",
            "status": "active",
            "variants": [{"sku": "RED", "prices": [{"amount": "9.90", "currency": "EUR"}]}],
            **more,
        },
    )
    assert status == 201, body
    return body


async def events(catalog):
    database = Database(catalog.settings.database_url, "test")
    await database.open()
    try:
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT type, aggregate_id, aggregate_version FROM outbox ORDER BY position")
        return [(row["type"], row["aggregate_version"]) for row in rows]
    finally:
        await database.close()
