"""What sells and what is looked at comes first; what was undone does not count."""

from uuid import UUID, uuid4

import pytest

from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.contracts.values import Address, OrderLine
from tests.support.searching import found, item, shop, titles
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("search")

LAMPS = [item(f"Lamp {name}", f"LAMP-{name}") for name in "xyz"]
QUICK = {"rank_s": 0.1, "index_interval_s": 0.1}


def _order(product_id, kind, order_id, **more):
    line = OrderLine(
        sku="S", product_id=UUID(product_id), title="Lamp", quantity=50, unit_price_minor=1, line_total_minor=50
    )
    return kind(
        order_id=order_id, order_number="SO-1", customer_id=uuid4(), email="a@example.com", currency="EUR",
        total_minor=50, lines=[line], **more,
    )  # fmt: skip


def _paid(product_id, order_id):
    address = Address(name="A", line1="1", city="C", postal_code="1", country="DE")
    more = {"payment_id": uuid4(), "shipping_address": address, "shipping_method": "standard"}
    return envelope(_order(product_id, OrderPaid, order_id, **more), order_id, 2)


def _cancelled(product_id, order_id):
    return envelope(_order(product_id, OrderCancelled, order_id, reason="changed my mind"), order_id, 3)


async def _ids(search):
    return {hit["title"]: hit["id"] for hit in (await found(search))["items"]}


async def _first(search, title, **params):
    return (await titles(search, **params))[:1] == [title]


async def test_what_is_bought_more_often_comes_first_until_the_orders_are_off(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS, **QUICK) as (_, search):
        ids = await _ids(search)
        orders = [uuid4() for _ in range(8)]
        await publish(engines, prefix, *(_paid(ids["Lamp z"], one) for one in orders), _paid(ids["Lamp y"], uuid4()))
        for order in ({}, {"q": "lamp"}, {"sort": "popularity"}):
            await until(lambda order=order: _first(search, "Lamp z", **order))
        assert await titles(search, sort="popularity") == ["Lamp z", "Lamp y", "Lamp x"]
        # told before the sale as well as after it
        early = uuid4()
        await publish(engines, prefix, _cancelled(ids["Lamp x"], early), _paid(ids["Lamp x"], early))
        await publish(engines, prefix, *(_cancelled(ids["Lamp z"], one) for one in orders))
        await until(lambda: _first(search, "Lamp y", sort="popularity"))
        assert sorted((await titles(search, sort="popularity"))[1:]) == ["Lamp x", "Lamp z"]


async def test_what_is_looked_at_more_often_comes_first(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS, **QUICK) as (catalog, search):
        ids = await _ids(search)
        for _ in range(20):
            assert (await catalog.call("GET", f"/api/v1/products/{ids['Lamp y']}", anonymous=True))[0] == 200
        await until(lambda: _first(search, "Lamp y", sort="popularity"))


async def test_one_large_order_is_one_order(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS, **QUICK) as (_, search):
        ids = await _ids(search)
        await publish(engines, prefix, _paid(ids["Lamp x"], uuid4()))  # of fifty units
        await publish(engines, prefix, *(_paid(ids["Lamp y"], uuid4()) for _ in range(3)))
        await until(lambda: _first(search, "Lamp y", sort="popularity"))
