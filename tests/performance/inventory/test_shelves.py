"""What the staff's work with the shelves costs in statements: the same for one row and for a hundred."""

import pytest

from tests.support.services import served
from tests.support.statements import API_ONLY
from tests.support.stocking import know

pytestmark = pytest.mark.service("inventory")

STATEMENTS_MAX = 8
STOCK = "/api/v1/stock"


async def test_an_import_costs_the_same_for_one_row_and_for_a_thousand(engines, prefix, statements):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        skus = [f"S{n}" for n in range(1_000)]
        await know(inventory, *skus)
        for path in (f"{STOCK}/import", "/internal/stock/import"):
            costs = set()
            for size in (1, 10, 1_000):
                items = [{"sku": sku, "quantity": 1, "reference": f"{path} {size} {sku}"} for sku in skus[:size]]
                with statements.counted() as seen:
                    status, body = await inventory.call("POST", path, json={"items": items})
                assert (status, body["received"]) == (200, size)
                costs.add(len(seen))
            assert len(costs) == 1, costs
            assert max(costs) <= STATEMENTS_MAX


@pytest.mark.parametrize("name", ["takes", "low", "warehouses"])
async def test_a_page_of_the_staffs_costs_one_statement_whatever_its_size(engines, prefix, statements, name):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        skus = [f"S{n:03}" for n in range(101)]
        await know(inventory, *skus)
        for sku in skus:
            await inventory.call("PUT", f"{STOCK}/warehouses/w{sku}", json={"priority": 1, "ranks": {"SE": 1, "IT": 2}})
            await inventory.call("PUT", f"{STOCK}/rules/{sku}", json={"low_stock_at": 5})
            await inventory.call("POST", f"{STOCK}/takes", json={"sku": sku})
        for size in (1, 10, 100):
            with statements.counted() as seen:
                status, page = await inventory.call("GET", f"{STOCK}/{name}?limit={size}")
            assert (status, len(page["items"])) == (200, size)
            assert len(seen) == 1, seen
