import asyncio

import pytest

from tests.support.cataloguing import created, events, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


async def test_two_imports_of_the_same_at_once_publish_once(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await asyncio.gather(*(imported(catalog, item(), item("green-mug")) for _ in range(4)))
        assert await events(catalog) == [("product.upserted", 1), ("product.upserted", 1)]


async def test_of_two_edits_from_one_version_one_wins(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        answers = await asyncio.gather(
            *(
                catalog.call(
                    "PATCH",
                    f"/api/v1/products/{product['id']}",
                    json={"title": f"Mug {n}"},
                    headers={"If-Match": '"1"'},
                )
                for n in range(5)
            )
        )
        assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412]
