"""What quotes and measures cost in statements: the same for one line and for fifty."""

from uuid import uuid4

import pytest

from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("shipping")

STATEMENTS_MAX = 7


async def test_a_quote_costs_the_same_for_one_line_and_for_fifty(engines, prefix, statements):
    async with served(engines, "shipping", prefix=prefix, **API_ONLY) as shipping:
        wish = {"customer_id": str(uuid4()), "country": "DE", "postal_code": "10115"}
        costs = set()
        for size in (1, 10, 50):
            lines = [{"sku": f"S{n}", "quantity": 5} for n in range(size)]
            with statements.counted() as seen:
                status, body = await shipping.call("POST", "/internal/quotes", json={**wish, "lines": lines})
            assert status == 201, body
            costs.add(len(seen))
        assert len(costs) == 1, costs
        assert max(costs) <= STATEMENTS_MAX


async def test_a_page_of_measures_costs_one_statement_whatever_its_size(engines, prefix, statements):
    async with served(engines, "shipping", prefix=prefix, **API_ONLY) as shipping:
        figures = {"weight_g": 1, "length_mm": 1, "width_mm": 1, "height_mm": 1}
        for number in range(101):
            await shipping.call("PUT", f"/api/v1/shipping/measures/S{number}", json=figures)
        for size in (1, 10, 100):
            with statements.counted() as seen:
                _, page = await shipping.call("GET", f"/api/v1/shipping/measures?limit={size}")
            assert len(page["items"]) == size
            assert len(seen) == 1, seen
