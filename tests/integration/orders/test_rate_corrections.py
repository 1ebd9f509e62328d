"""What an order should have cost at the rate that was promised is written down beside it: once, and where two agree."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from scenarios.defects import catalogue
from shared.contracts.payments import PaymentProcessed
from svc.orders.clients import ExchangeClient
from tests.integration.orders.test_conversion import shown_in_usd
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import Told, rows
from tests.support.exchanging import expire_quotes, set_rate
from tests.support.fakes.shop import shop
from tests.support.paying import psp_world
from tests.support.services import database_of, served, topics

pytestmark = pytest.mark.service("orders")

CATALOG = [1_000, 2_550]
"""What the goods cost in euros, of which one was promised to be worth 1.08 dollars."""
PROMISED = [1_080, 2_754]


async def correct(orders, order, total, prices=None, **more):
    path = f"/internal/orders/{order['id']}/rate-correction"
    body = {"total": total, "catalog_prices": CATALOG if prices is None else prices, "reason": "another rate"}
    return await orders.call("POST", path, json=body, **more)


@asynccontextmanager
async def ordered_at_another_rate(engines, prefix, folder, *, defect=True):
    """What was shown, the order at rest, payments, and orders as it runs without the defect."""
    (twin,) = catalogue.twins_of("rate-fetched-twice").values()
    parts = {"exchange": twin(ExchangeClient, None)} if defect else {}
    async with (
        topics(engines, prefix),
        psp_world(folder) as world,
        shop(engines.redis, prefix) as fakes,
        served(engines, "payments", prefix=prefix, role="api", psp_url=world.psp_url) as payments,
        database_of(engines, "orders") as url,
    ):
        await set_rate(world, "USD", "1.08")
        async with served(engines, "orders", prefix=prefix, parts=parts, database_url=url) as orders:
            buyer = customer()
            shown, quote_id = await shown_in_usd(orders, buyer, ("A", 2), ("B", 1))
            await set_rate(world, "USD", "1.17")
            status, order = await place(orders, buyer, ("A", 2), ("B", 1), quote_id=quote_id)
            assert status == 201, order
            told = Told(engines, prefix, orders, buyer, order, fakes)
            assert (await correct(orders, order, shown["total"]))[1]["code"] in {"order_undecided", "price_is_right"}
            await told.tell(PaymentProcessed)
            await told.becomes("paid")
        async with served(engines, "orders", prefix=prefix, database_url=url, role="api") as orders:
            yield shown, order, payments, orders


async def test_an_order_at_another_rate_is_corrected_once_and_stays_as_it_was_told(engines, prefix, tmp_path):
    async with ordered_at_another_rate(engines, prefix, tmp_path) as (shown, order, payments, orders):
        assert order["total"] != shown["total"]
        await expire_quotes(payments)
        status, first = await correct(orders, order, shown["total"])
        assert status == 200, first
        total, charged = (int(money["total"]["amount"].replace(".", "")) for money in (shown, order))
        assert (first["total_minor"], first["charged_minor"], first["difference_minor"]) == (
            total, charged, charged - total
        )  # fmt: skip
        assert (first["unit_prices"], first["rate_nano"]) == (PROMISED, 1_080_000_000)
        assert await correct(orders, order, {"amount": "1.00", "currency": "USD"}, [1, 1]) == (200, first)
        assert await correct(orders, order, shown["total"]) == (200, first)
        database = orders.settings.database_url
        (audited,) = await rows(database, "SELECT * FROM audit.price_corrections")
        assert (audited["unit_prices"], audited["rate_nano"]) == ("1080,2754", 1_080_000_000)
        (stored,) = await rows(database, "SELECT total_minor FROM orders")
        assert stored["total_minor"] == charged


async def test_nothing_is_written_down_where_prices_or_total_are_not_those_of_the_order(engines, prefix, tmp_path):
    async with ordered_at_another_rate(engines, prefix, tmp_path) as (shown, order, _, orders):
        for prices in ([1_000, 2_551], [1_000], []):
            assert (await correct(orders, order, shown["total"], prices))[1]["code"] == "prices_unknown"
        assert (await correct(orders, order, order["total"]))[1]["code"] == "rules_say_otherwise"
        assert (await correct(orders, {"id": str(uuid4())}, shown["total"]))[1]["code"] == "order_not_found"
        assert await rows(orders.settings.database_url, "SELECT FROM price_corrections") == []


async def test_an_order_at_the_promised_rate_is_not_corrected(engines, prefix, tmp_path):
    async with ordered_at_another_rate(engines, prefix, tmp_path, defect=False) as (shown, order, _, orders):
        assert order["total"] == shown["total"]
        assert (await correct(orders, order, shown["total"]))[1]["code"] == "price_is_right"
