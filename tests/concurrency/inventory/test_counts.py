"""A shelf is counted, emptied and refilled by two processes at once, and no unit is lost or made."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from tests.support.services import database_of, served
from tests.support.stocking import know

pytestmark = pytest.mark.service("inventory")

STOCK = "/api/v1/stock"
BUYERS = 60


async def test_a_count_beside_sales_and_transfers_on_two_processes_books_its_variance_and_nothing_else(engines, prefix):
    async with (
        database_of(engines, "inventory") as url,
        served(engines, "inventory", prefix=prefix, database_url=url) as one,
        served(engines, "inventory", prefix=prefix, database_url=url, instance="inventory-2") as other,
    ):
        await know(one, "A")
        for warehouse in ("main", "north"):
            receipt = {"sku": "A", "quantity": 100, "reference": warehouse, "warehouse": warehouse}
            assert (await one.call("POST", f"{STOCK}/receipts", json=receipt))[0] == 201
        _, take = await one.call("POST", f"{STOCK}/takes", json={"sku": "A"})

        def buy(house):
            line = {"sku": "A", "quantity": 1}
            wish = {"reservation_id": str(uuid4()), "customer_id": str(uuid4()), "lines": [line]}
            return house.call("POST", "/internal/reservations", json=wish)

        def move(house, number):
            wish = {"reference": f"t{number}", "sku": "A", "quantity": 1, "source": "north", "target": "main"}
            return house.call("POST", f"{STOCK}/transfers", json=wish)

        def count(house):
            return house.call("POST", f"{STOCK}/takes/{take['id']}/count", json={"counted": 93})

        houses = (one, other)
        sales, moves, counts = await asyncio.gather(
            asyncio.gather(*(buy(house) for house in houses for _ in range(BUYERS // 2))),
            asyncio.gather(*(move(house, number) for house in houses for number in range(20))),
            asyncio.gather(*(count(house) for house in houses for _ in range(25))),
        )
        assert {status for status, _ in sales} == {status for status, _ in moves} == {201}
        assert {(status, body["variance"]) for status, body in counts} == {(200, -7)}
        connection = await asyncpg.connect(url)
        try:
            stands = await connection.fetch("SELECT warehouse, on_hand, reserved FROM stock ORDER BY warehouse")
            adjusted = await connection.fetchval("SELECT count(*) FROM movements WHERE type = 'adjust'")
        finally:
            await connection.close()
        assert [(row["warehouse"], row["on_hand"]) for row in stands] == [("main", 113), ("north", 80)]
        assert (sum(row["reserved"] for row in stands), adjusted) == (BUYERS, 1)
