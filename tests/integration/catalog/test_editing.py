import pytest

from tests.support.cataloguing import created, events, item
from tests.support.services import served

pytestmark = pytest.mark.service("catalog")


async def test_an_edit_needs_the_version_it_was_made_from(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}"
        edit = {"title": "Scarlet mug"}
        assert (await catalog.call("PATCH", path, json=edit))[0] == 400
        status, body = await catalog.call("PATCH", path, json=edit, headers={"If-Match": '"7"'})
        assert (status, body["code"], body["version"]) == (412, "version_changed", 1)
        status, body = await catalog.call("PATCH", path, json=edit, headers={"If-Match": '"1"'})
        assert (status, body["title"], body["version"]) == (200, "Scarlet mug", 2)


async def test_an_edit_is_seen_at_once_although_the_page_was_cached(engines, prefix):
    async with served(engines, "catalog", prefix=prefix, product_ttl_s=600) as catalog:
        product = await created(catalog)
        for reference in (product["id"], "red-mug"):
            await catalog.call("GET", f"/api/v1/products/{reference}")
        await catalog.call(
            "PATCH", f"/api/v1/products/{product['id']}", json={"title": "New"}, headers={"If-Match": '"1"'}
        )
        for reference in (product["id"], "red-mug"):
            assert (await catalog.call("GET", f"/api/v1/products/{reference}"))[1]["title"] == "New"


async def test_a_price_edit_publishes_the_price(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        status, body = await catalog.call(
            "PUT",
            f"/api/v1/products/{product['id']}/variants/RED",
            json={"prices": [{"amount": "8.00", "currency": "EUR"}, {"amount": "9.00", "currency": "USD"}]},
            headers={"If-Match": '"1"'},
        )
        assert (status, body["version"]) == (200, 3)
        assert (await events(catalog))[1:] == [("product.upserted", 1), ("price.changed", 2), ("product.upserted", 3)]
        status, body = await catalog.call(
            "DELETE", f"/api/v1/products/{product['id']}/variants/RED", headers={"If-Match": '"3"'}
        )
        assert (status, body["variants"]) == (200, [])


@pytest.mark.parametrize("price", ["-1.00", "1.234", "1e5", "", "NaN", "1000000000.01", "9" * 40])
async def test_a_price_that_is_no_price_is_refused(engines, prefix, price):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        status, body = await catalog.call(
            "PUT",
            f"/api/v1/products/{product['id']}/variants/RED",
            json={"prices": [{"amount": price, "currency": "EUR"}]},
            headers={"If-Match": '"1"'},
        )
        assert (status, body["code"]) in {(422, "invalid_money"), (422, "negative_price")}


async def test_slugs_and_skus_are_unique(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        body = {"slug": "red-mug", "title": "Again", "category": "kitchen"}
        status, answer = await catalog.call("POST", "/api/v1/products", json=body)
        assert (status, answer["code"]) == (409, "slug_taken")
        body = {
            **body,
            "slug": "other",
            "variants": [{"sku": "RED", "prices": [{"amount": "1.00", "currency": "EUR"}]}],
        }
        status, answer = await catalog.call("POST", "/api/v1/products", json=body)
        assert (status, answer["code"]) == (409, "sku_taken")
        status, answer = await catalog.call("POST", "/api/v1/products", json={**body, "category": "nowhere"})
        assert (status, answer["code"]) == (422, "unknown_category")
        assert product["version"] == 1


async def test_a_tax_class_that_there_is_not_is_refused_at_every_door(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        path, if_match = f"/api/v1/products/{product['id']}", {"If-Match": '"1"'}
        doors = [
            await catalog.call(
                "POST", "/api/v1/products",
                json={"slug": "new", "title": "New", "category": "kitchen", "tax_class": "half"},
            ),
            await catalog.call("PATCH", path, headers=if_match, json={"tax_class": "half"}),
            await catalog.call("POST", "/internal/products/import", json={"items": [{**item(), "tax_class": "half"}]}),
        ]  # fmt: skip
        for status, answer in doors:
            assert (status, answer["code"]) == (422, "unknown_tax_class")
            assert answer["tax_classes"] == ["standard", "reduced", "zero"]
        status, _ = await catalog.call("PATCH", path, headers=if_match, json={"tax_class": "zero"})
        _, body = await catalog.call("GET", "/internal/variants?skus=RED")
        assert (status, body["items"][0]["tax_class"]) == (200, "zero")


async def test_a_deleted_product_is_gone_and_told(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}"
        await catalog.call("GET", path)
        assert (await catalog.call("DELETE", path, headers={"If-Match": '"1"'}))[0] == 204
        assert (await catalog.call("GET", path))[0] == 404
        assert (await catalog.call("GET", "/api/v1/products/red-mug"))[0] == 404
        assert (await events(catalog))[-1] == ("product.deleted", 2)
        _, body = await catalog.call("GET", "/internal/variants?skus=RED")
        assert body["items"][0]["status"] == "archived"
