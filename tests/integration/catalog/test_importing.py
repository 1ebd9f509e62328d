import pytest

from tests.support.cataloguing import events, imported, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


async def test_importing_the_same_again_changes_and_publishes_nothing(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        assert await imported(catalog, item()) == {"created": 0, "updated": 0, "unchanged": 1}
        assert await events(catalog) == [("product.upserted", 1)]


async def test_a_changed_price_is_published_as_price_and_as_product(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        assert await imported(catalog, item(price_minor=999)) == {"created": 0, "updated": 1, "unchanged": 0}
        assert await events(catalog) == [("product.upserted", 1), ("price.changed", 2), ("product.upserted", 3)]
        _, body = await catalog.call("GET", "/api/v1/products/blue-mug")
        assert (body["version"], body["variants"][0]["price"]["amount"]) == (3, "9.99")


async def test_the_new_prices_of_a_product_are_one_event(engines, prefix):
    def mugs(price_minor):
        return item(variants=[{"sku": sku, "options": {}, "price_minor": price_minor} for sku in ("S", "L")])

    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, mugs(1250))
        await imported(catalog, mugs(999))
        assert await events(catalog) == [("product.upserted", 1), ("price.changed", 2), ("product.upserted", 3)]


async def test_an_import_cannot_take_another_products_sku(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item())
        status, body = await catalog.call(
            "POST", "/internal/products/import", json={"items": [item("thief", sku="SKU-blue-mug")]}
        )
        assert (status, body["code"], body["skus"]) == (409, "sku_taken", ["SKU-blue-mug"])
        assert (await catalog.call("GET", "/api/v1/products/thief"))[0] == 404
