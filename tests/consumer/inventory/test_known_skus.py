"""Inventory books goods in only for what the catalog has told of."""

from uuid import uuid4

import asyncpg
import pytest

from shared.contracts.catalog import ProductUpserted, VariantFact
from tests.support.services import envelope, publish, served, topics, until

pytestmark = pytest.mark.service("inventory")


def product(*skus, status="active"):
    variants = [VariantFact(sku=sku, options={"size": sku}, price_minor=100, currency="EUR") for sku in skus]
    return ProductUpserted(
        product_id=uuid4(), slug="a", title="A", description="", category="a", status=status, variants=variants
    )


def told(upserted, version=1):
    return envelope(upserted, upserted.product_id, version)


async def book(inventory, sku):
    return await inventory.call(
        "POST", "/api/v1/stock/receipts", json={"sku": sku, "quantity": 5, "reference": f"r {sku}"}
    )


async def until_booked(inventory, sku):
    async def booked():
        status, body = await book(inventory, sku)
        assert status == 201 or body["code"] == "unknown_sku", body
        return status == 201

    await until(booked)


async def test_goods_of_a_sku_nobody_told_of_are_refused_until_the_catalog_tells(engines, prefix):
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        receipt = {"sku": "J-1", "quantity": 5, "reference": "r J-1"}
        for path, body in (("/api/v1/stock/receipts", receipt), ("/internal/stock/import", {"items": [receipt]})):
            url = inventory.url + path
            async with inventory.http.post(url, json=body, headers=inventory.headers()) as answer:
                problem = await answer.json(content_type=None)
                assert (answer.status, problem["code"], problem["sku"]) == (404, "unknown_sku", "J-1")
                assert answer.headers["Retry-After"] == "1"
        assert (await inventory.call("GET", "/api/v1/stock?skus=J-1"))[1] == {"items": []}
        await publish(engines, prefix, told(product("J-1", "J-2")))
        await until_booked(inventory, "J-1")
        await until_booked(inventory, "J-2")
        assert (await book(inventory, "J-1"))[1] == {"sku": "J-1", "warehouse": "main", "on_hand": 5, "available": 5}
        assert (await book(inventory, "J-3"))[0] == 404


async def test_what_is_archived_loses_a_variant_or_is_told_twice_stays_known(engines, prefix):
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        first, other = product("A", "B"), product("C")
        archived = ProductUpserted(
            product_id=first.product_id, slug="a", title="A", description="", category="a", status="archived",
            variants=first.variants[:1],
        )  # fmt: skip
        again = told(other)
        await publish(engines, prefix, told(first), told(archived, 2), again, again, told(product("B", "C", "D")))
        for sku in "ABCD":
            await until_booked(inventory, sku)
        connection = await asyncpg.connect(inventory.settings.database_url)
        try:
            assert await connection.fetch("SELECT 1 FROM audit.dead_letters") == []
        finally:
            await connection.close()


async def test_an_import_with_one_unknown_sku_books_nothing(engines, prefix):
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        await publish(engines, prefix, told(product("A")))
        await until_booked(inventory, "A")
        items = [{"sku": sku, "quantity": 1, "reference": f"x {sku}"} for sku in ("A", "GHOST")]
        status, body = await inventory.call("POST", "/internal/stock/import", json={"items": items})
        assert (status, body["code"], body["sku"]) == (404, "unknown_sku", "GHOST")
        assert (await inventory.call("GET", "/api/v1/stock?skus=A"))[1]["items"] == [{"sku": "A", "available": 5}]
