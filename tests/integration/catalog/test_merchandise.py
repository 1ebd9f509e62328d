"""Attributes, media, related products, categories that move, and prices that hold for a while."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from tests.support.cataloguing import CUSTOMER, OTHER_SELLER, SELLER, created, imported, item
from tests.support.services import served, until

pytestmark = pytest.mark.service("catalog")


async def _rows(catalog, query, *values):
    connection = await asyncpg.connect(catalog.settings.database_url)
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


def _moment(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def _window(catalog, product, begins, ends, amount="5.00", currency="EUR", **more):
    body = {
        "sku": "RED",
        "price": {"amount": amount, "currency": currency},
        "valid_from": _moment(begins),
        "valid_until": _moment(ends),
    }
    return await catalog.call("POST", f"/api/v1/products/{product['id']}/price-windows", json=body, **more)


async def _paths(catalog):
    _, body = await catalog.call("GET", "/api/v1/categories")
    return [category["path"] for category in body["items"]]


async def test_attributes_media_and_related_goods_are_kept_and_shown(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item("saucer"), item("hidden", status="draft"))
        _, saucer = await catalog.call("GET", "/api/v1/products/saucer")
        _, hidden = await catalog.call("GET", "/api/v1/products/hidden")
        product = await created(catalog, attributes={"material": "clay"}, media=[{"key": "mugs/red.jpg", "alt": "Red"}])
        path = f"/api/v1/products/{product['id']}"
        edit = {"related": [hidden["id"], saucer["id"]]}
        status, _ = await catalog.call("PATCH", path, json=edit, headers={"If-Match": '"1"'})
        assert status == 200
        _, shown = await catalog.call("GET", path, anonymous=True)
        assert (shown["attributes"], shown["media"]) == (
            {"material": "clay"},
            [{"key": "mugs/red.jpg", "alt": "Red"}],
        )
        _, related = await catalog.call("GET", path + "/related", anonymous=True)
        assert [one["slug"] for one in related["items"]] == ["saucer"]
        for ids in ([str(uuid4())], [product["id"]]):
            status, refused = await catalog.call("PATCH", path, json={"related": ids}, headers={"If-Match": '"2"'})
            assert (status, refused["code"], refused["ids"]) == (422, "unknown_related", ids)


@pytest.mark.parametrize("key", ["../secret", "https://evil.example/a.jpg", "/etc/passwd", "a//b", "A.jpg", "a/../b"])
async def test_a_medium_is_named_by_a_key_and_never_by_an_address(engines, prefix, key):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        status, refused = await catalog.call(
            "PATCH", f"/api/v1/products/{product['id']}", json={"media": [{"key": key}]}, headers={"If-Match": '"1"'}
        )
        assert (status, refused["code"]) == (400, "invalid_body")


async def test_a_moved_category_takes_all_below_it_along_and_its_products_are_told_again(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item(), item("tea-pot", category="kitchen/mugs/pots"), item("desk", category="office"))
        body = {"path": "kitchen/mugs", "to": "office/cups"}
        status, moved = await catalog.call("POST", "/api/v1/categories/move", json=body)
        assert (status, moved) == (200, {"categories": 2, "products": 2})
        assert await _paths(catalog) == ["kitchen", "office", "office/cups", "office/cups/pots"]

        async def told():
            rows = await _rows(catalog, "SELECT payload FROM outbox WHERE type = 'product.upserted' ORDER BY position")
            return [row["payload"] for row in rows if "office/cups" in row["payload"]]

        assert len(await until(lambda: _at_least(told, 2))) == 2
        _, page = await catalog.call("GET", "/api/v1/products?category=office/cups")
        assert sorted((one["slug"], one["version"]) for one in page["items"]) == [("blue-mug", 2), ("tea-pot", 2)]


async def _at_least(look, count):
    found = await look()
    return found if len(found) >= count else None


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        ("kitchen", "kitchen/mugs/kitchen", (409, "category_cycle")),
        ("kitchen", "kitchen", (409, "category_cycle")),
        ("kitchen/mugs", "office", (409, "category_exists")),
        ("kitchen/mugs", "nowhere/mugs", (422, "unknown_category")),
        ("nowhere", "office/nowhere", (422, "unknown_category")),
        ("a", "office/a", (422, "category_too_deep")),
    ],
)
async def test_a_move_that_would_break_the_tree_changes_nothing(engines, prefix, path, to, expected):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        await imported(catalog, item(), item("desk", category="office"), item("deep", category="a/b/c/d/e/f"))
        before = await _paths(catalog)
        status, refused = await catalog.call("POST", "/api/v1/categories/move", json={"path": path, "to": to})
        assert (status, refused["code"]) == expected
        assert await _rows(catalog, "SELECT 1 FROM products WHERE moved") == []
        assert await _paths(catalog) == before


async def test_a_price_for_a_while_is_charged_by_the_clock_and_told_by_the_job(engines, prefix):
    async with served(engines, "catalog", prefix=prefix, price_turn_s=0.1, product_ttl_s=600) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}"

        async def price():
            _, shown = await catalog.call("GET", path)
            return shown["variants"][0]["price"]["amount"]

        assert await price() == "9.90"
        status, window = await _window(catalog, product, 0, 2)
        assert (status, window["state"]) == (201, "waiting")
        _, priced = await catalog.call("GET", "/internal/variants?skus=RED")
        assert priced["items"][0]["price_minor"] == 500

        async def costs(amount):
            return await price() == amount

        await until(lambda: costs("5.00"))
        await until(lambda: costs("9.90"))
        _, priced = await catalog.call("GET", "/internal/variants?skus=RED")
        assert priced["items"][0]["price_minor"] == 990
        rows = await _rows(catalog, "SELECT payload FROM outbox WHERE type = 'price.changed' ORDER BY position")
        assert ['"price_minor":500' in row["payload"] for row in rows] == [True, False]
        audited = await _rows(
            catalog, "SELECT price_minor, valid_until FROM audit.prices WHERE sku = 'RED' ORDER BY valid_from"
        )
        assert [row["price_minor"] for row in audited] == [990, 500, 990]
        assert audited[-1]["valid_until"] is None


async def test_a_sku_has_one_price_at_a_time_in_a_currency(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog)
        assert (await _window(catalog, product, 100, 200))[0] == 201
        status, refused = await _window(catalog, product, 150, 250)
        assert (status, refused["code"]) == (409, "window_overlaps")
        assert (await _window(catalog, product, 200, 250))[0] == 201
        for begins, ends in ((20, 10), (-20, -10), (10, 400 * 86_400)):
            status, refused = await _window(catalog, product, begins, ends)
            assert (status, refused["code"]) == (422, "invalid_window")
        status, refused = await _window(catalog, product, 10, 20, currency="USD")
        assert (status, refused["code"]) == (422, "price_missing")


async def test_a_price_to_come_can_be_taken_out_and_is_known_to_its_editors_alone(engines, prefix):
    async with served(engines, "catalog", prefix=prefix) as catalog:
        product = await created(catalog, SELLER)
        await catalog.call(
            "PUT", f"/api/v1/products/{product['id']}/staff", json={"approved": True}, headers={"If-Match": '"1"'}
        )
        path = f"/api/v1/products/{product['id']}"
        _, window = await _window(catalog, product, 100, 200, principal=SELLER)
        then = {"at": _moment(150)}
        _, prices = await catalog.call("GET", path + "/prices", params=then, principal=SELLER)
        assert [one["price"]["amount"] for one in prices["items"]] == ["5.00"]
        status, refused = await catalog.call("GET", path + "/prices", params=then, principal=CUSTOMER)
        assert (status, refused["code"]) == (403, "future_prices_private")
        _, prices = await catalog.call("GET", path + "/prices", anonymous=True)
        assert [one["price"]["amount"] for one in prices["items"]] == ["9.90"]
        gone = f"{path}/price-windows/{window['id']}"
        assert (await catalog.call("DELETE", gone, principal=OTHER_SELLER))[0] == 404
        assert (await catalog.call("DELETE", gone, principal=SELLER))[0] == 204
        assert (await catalog.call("GET", path + "/price-windows", principal=SELLER))[1]["items"] == []
        assert (await catalog.call("DELETE", gone, principal=SELLER))[0] == 404
