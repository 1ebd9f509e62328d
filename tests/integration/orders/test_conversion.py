"""Orders in another currency than the catalog's: what was shown is what is ordered, beside the real payments."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from scenarios.world.journals import read_journals
from tests.support.builders.orders import ADDRESS, buy, customer, place
from tests.support.builders.placed_order import rows
from tests.support.exchanging import expire_quotes, set_rate
from tests.support.fakes.shop import shop
from tests.support.paying import psp_world
from tests.support.services import served, until

pytestmark = pytest.mark.service("orders")


@asynccontextmanager
async def abroad(engines, prefix, folder):
    """A shop of goods in EUR, which is worth 1.08 USD to begin with."""
    async with (
        psp_world(folder) as world,
        shop(engines.redis, prefix) as fakes,
        served(engines, "payments", prefix=prefix, role="api", psp_url=world.psp_url) as payments,
        served(engines, "orders", prefix=prefix) as orders,
    ):
        await set_rate(world, "USD", "1.08")
        yield fakes, world, payments, orders


async def preview(orders, buyer, *items, **more):
    wish = {"country": ADDRESS["country"], "items": [{"sku": sku, "quantity": n} for sku, n in items], **more}
    return await orders.call("POST", "/api/v1/orders/preview", principal=buyer, json=wish)


async def shown_in_usd(orders, buyer, *items):
    status, shown = await preview(orders, buyer, *items, currency="USD")
    assert status == 200, shown
    return shown, shown["conversion"]["quote_id"]


async def test_what_was_shown_is_ordered_though_the_rate_has_changed(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (_, world, _payments, orders):
        buyer = customer()
        shown, quote_id = await shown_in_usd(orders, buyer, ("A", 2), ("B", 1))
        await set_rate(world, "USD", "1.17")
        status, order = await place(orders, buyer, ("A", 2), ("B", 1), quote_id=quote_id)
        assert status == 201, order
        assert [line["unit_price"]["amount"] for line in order["lines"]] == ["10.80", "27.54"]
        assert order["total"]["currency"] == "USD"
        assert {part: order[part] for part in shown} == shown
        assert (order["conversion"]["from_currency"], order["conversion"]["rate"]) == ("EUR", "1.08")
        assert await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer) == (200, order)
        (event,) = await rows(orders.settings.database_url, "SELECT payload FROM outbox WHERE type = 'order.created'")
        assert quote_id in str(event["payload"])


async def test_a_preview_in_the_goods_own_currency_needs_no_quote_and_holds_nothing(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (fakes, _world, _, orders):
        for more in ({}, {"currency": "EUR"}):
            status, shown = await preview(orders, customer(), ("A", 2), **more)
            assert (status, shown["subtotal"]) == (200, {"amount": "20.00", "currency": "EUR"})
            assert "conversion" not in shown
        assert fakes.inventory.calls == []
        assert [line for line in read_journals(tmp_path).exchange if line.kind == "quoted"] == []


async def test_a_repeat_gets_its_answer_when_the_quote_has_long_expired(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (_, _world, payments, orders):
        buyer = customer()
        _, quote_id = await shown_in_usd(orders, buyer, ("A", 1))
        status, order = await place(orders, buyer, ("A", 1), key="k1", quote_id=quote_id)
        assert status == 201, order
        await expire_quotes(payments)
        assert await place(orders, buyer, ("A", 1), key="k1", quote_id=quote_id) == (201, order)
        status, refused = await place(orders, buyer, ("A", 1), key="k2", quote_id=quote_id)
        assert (status, refused["code"]) == (409, "quote_expired")


async def test_one_quote_is_for_one_order_however_many_race_for_it(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (fakes, _world, _, orders):
        buyer = customer()
        _, quote_id = await shown_in_usd(orders, buyer, ("A", 1))
        answers = await asyncio.gather(*(buy(orders, buyer, ("A", 1), quote_id=quote_id) for _ in range(4)))
        assert sorted(body.get("code", status) for status, body in answers if status != 201) == ["quote_used"] * 3
        await until(lambda: _held(fakes, "A", 1))


async def _held(fakes, sku, units):
    return fakes.inventory.held_units(sku) == units


async def test_a_sold_out_buyer_keeps_the_quote(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (fakes, _world, _, orders):
        buyer = customer()
        _, quote_id = await shown_in_usd(orders, buyer, ("A", 1))
        fakes.inventory.stock["A"] = 0
        assert (await place(orders, buyer, ("A", 1), quote_id=quote_id))[0] == 409
        fakes.inventory.stock["A"] = 1
        assert (await place(orders, buyer, ("A", 1), quote_id=quote_id))[0] == 201


async def test_a_quote_that_does_not_fit_is_refused_and_nothing_is_held(engines, prefix, tmp_path):
    async with abroad(engines, prefix, tmp_path) as (fakes, world, _, orders):
        buyer = customer()
        await set_rate(world, "KWD", "0.000001")
        _, quote_id = await shown_in_usd(orders, buyer, ("A", 1))
        refused = [
            await place(orders, customer(), ("A", 1), quote_id=quote_id),
            await place(orders, buyer, ("A", 1), quote_id=str(uuid4())),
            await preview(orders, buyer, ("A", 1), currency="AED"),
            await preview(orders, buyer, ("A", 1), currency="KWD"),
        ]
        fakes.catalog.prices["A"] = (1_000, "GBP")
        refused.append(await place(orders, buyer, ("A", 1), quote_id=quote_id))
        assert [(status, body["code"]) for status, body in refused] == [
            (422, "unknown_quote"),
            (422, "unknown_quote"),
            (422, "no_exchange_rate"),
            (422, "not_convertible"),
            (422, "quote_not_applicable"),
        ]
        assert fakes.inventory.calls == []


async def test_without_payments_nothing_is_ordered_in_other_money_and_all_else_is(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        status, refused = await place(orders, buyer, ("A", 1), quote_id=str(uuid4()))
        assert (status, refused["code"]) == (503, "conversion_unavailable")
        assert (await place(orders, buyer, ("A", 1)))[0] == 201
