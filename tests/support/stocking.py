"""Goods in inventory's shelves without a catalog that tells of them."""

import asyncpg

from svc.inventory import store


async def know(inventory, *skus):
    """Let the served inventory know the SKUs as if the catalog had told of them."""
    connection = await asyncpg.connect(inventory.settings.database_url)
    try:
        await store.learn_skus(connection, skus)
    finally:
        await connection.close()


async def receive(inventory, sku, quantity, reference="r1"):
    """Book goods in."""
    await know(inventory, sku)
    status, body = await inventory.call(
        "POST", "/api/v1/stock/receipts", json={"sku": sku, "quantity": quantity, "reference": reference}
    )
    assert status == 201, body
    return body
