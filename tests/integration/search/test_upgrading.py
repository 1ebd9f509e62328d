"""Documents of the release before are found at once, and get what the catalog tells since by a rebuild."""

import asyncio
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from shared import migrate
from svc.search.clients import CatalogPage
from svc.search.domain import Document, ProductBody, VariantBody
from tests.support.searching import AT_ONCE, found, total_is
from tests.support.services import database_of, served, topics, until

pytestmark = pytest.mark.service("search")

LAMP = uuid4()
AS_BEFORE = {
    "product_id": str(LAMP), "slug": "lamp", "title": "Lamp", "description": "", "category": "home", "status": "active",
    "variants": [{"sku": "L", "options": {}, "price_minor": 100, "currency": "EUR"}],
}  # fmt: skip


class FakeCatalog:
    """Tells of the lamp what it did not before."""

    def __init__(self, client):
        del client

    async def size(self):
        return 1

    async def most_viewed(self):
        return {}

    async def look_up(self, wish, cursor, *, limit):
        """The first look comes before the index."""
        del wish, cursor, limit
        return CatalogPage([], None)

    async def page(self, cursor, *, limit):
        del cursor, limit
        variant = VariantBody(sku="L", options={}, price_minor=100, currency="EUR")
        body = ProductBody(
            product_id=LAMP, slug="lamp", title="Lamp", description="", category="home", status="active",
            variants=(variant,), attributes={"material": "tin"}, seller_id="ann",
        )  # fmt: skip
        return CatalogPage([Document(product_id=LAMP, version=1, body=body)], None)


async def test_documents_of_the_release_before_are_found_and_completed(engines, prefix, indexes):
    async with topics(engines, prefix), database_of(engines, "search", revision="0001") as url:
        connection = await asyncpg.connect(url)
        try:
            indexed = (
                "INSERT INTO documents (product_id, version, deleted, body, indexed_version) VALUES ($1, 1, $3, $2, 1)"
            )
            await connection.execute(indexed, LAMP, msgspec.json.encode(AS_BEFORE).decode(), False)
        finally:
            await connection.close()
        await asyncio.to_thread(migrate.upgrade, "svc.search", url)
        parts = {"catalog": FakeCatalog}
        async with served(engines, "search", prefix=prefix, database_url=url, parts=parts, **AT_ONCE) as search:
            await until(lambda: total_is(search, 1))

            async def rebuilt():
                _, build = await search.call("GET", "/internal/reindex")
                return build["status"] == "completed"

            await until(rebuilt, deadline_s=90)  # by the timetable, each minute
            assert (await found(search, attribute="material:tin", seller="ann"))["total"] == 1
