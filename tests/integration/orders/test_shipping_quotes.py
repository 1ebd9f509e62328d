"""What a buyer pays for shipping is what shipping quoted; what serves while it is away is in ADR 24."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from shared.contracts.payments import PaymentProcessed
from svc.orders.settings import Settings
from svc.shipping.settings import Settings as ShippingSettings
from tests.support.builders.orders import ADDRESS, body, buy, customer, place
from tests.support.builders.placed_order import Told, rows
from tests.support.fakes.shop import shop
from tests.support.racing import pair, race
from tests.support.services import served, topics, until

pytestmark = pytest.mark.service("orders")

GUEST = {"email": "guest@example.com"}


async def shown(orders, buyer, *, quantity=2, postal_code=ADDRESS["postal_code"], **more):
    """The preview with a quote of the buyer's own."""
    wish = {"country": ADDRESS["country"], "items": [{"sku": "A", "quantity": quantity}], "postal_code": postal_code}
    return await orders.call("POST", "/api/v1/orders/preview", principal=buyer, json={**wish, **more})


async def quoted(orders, buyer, **more):
    status, preview = await shown(orders, buyer, **more)
    assert status == 200, preview
    return preview["delivery"]["quote_id"]


async def refused(orders, buyer, *items, **more):
    status, problem = await place(orders, buyer, *items, **more)
    return status, problem["code"]


async def test_shipping_costs_what_was_quoted_whatever_becomes_of_the_rates(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        _, preview = await shown(orders, buyer)
        fakes.shipping.amount_minor, fakes.shipping.carrier = 9_900, "swiftway"
        quote_id = preview["delivery"]["quote_id"]
        status, order = await place(orders, buyer, ("A", 2), shipping_quote_id=quote_id)
        assert (status, order["total"], order["shipping"]["amount"]) == (201, preview["total"], "4.99")
        assert order["delivery"] == preview["delivery"]
        assert order["delivery"]["carrier"] == "parcelpost"
        assert (await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer))[1]["delivery"] == (
            order["delivery"]
        )
        (pinned,) = await rows(orders.settings.database_url, "SELECT quote_id::text, personal FROM order_deliveries")
        assert tuple(pinned) == (quote_id, True)


async def test_an_order_that_names_no_quote_is_placed_at_one_for_such_goods(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        placed = [await place(orders, customer(), ("A", 2)) for _ in range(3)]
        assert {(status, order["delivery"]["carrier"]) for status, order in placed} == {(201, "parcelpost")}
        assert "quote_id" not in placed[0][1]["delivery"]
        assert fakes.shipping.calls == 1
        found = await rows(orders.settings.database_url, "SELECT DISTINCT quote_id, personal FROM order_deliveries")
        assert [row["personal"] for row in found] == [False]
        told = await rows(
            orders.settings.database_url,
            "SELECT DISTINCT payload::jsonb #>> '{data,shipping_quote_id}' AS id FROM outbox "
            "WHERE type = 'order.created'",
        )
        assert [row["id"] for row in told] == [str(found[0]["quote_id"])]


async def test_the_paid_order_tells_shipping_which_quote_it_was_placed_at(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix) as orders,
    ):
        buyer = customer()
        quote_id = await quoted(orders, buyer)
        _, order = await place(orders, buyer, ("A", 2), shipping_quote_id=quote_id)
        told = Told(engines, prefix, orders, buyer, order, fakes)
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        (paid,) = await told.rows("SELECT payload::jsonb -> 'data' AS data FROM outbox WHERE type = 'order.paid'")
        assert msgspec.json.decode(paid["data"])["shipping_quote_id"] == quote_id


async def test_a_guest_is_quoted_and_orders_at_it(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        _, come = await orders.call("POST", "/api/v1/guest", anonymous=True)
        held = {"X-Guest-Token": come["guest_token"]}
        wish = {"country": "IE", "postal_code": "D02 X285", "items": [{"sku": "A", "quantity": 2}]}
        _, preview = await orders.call("POST", "/api/v1/guest/orders/preview", headers=held, json=wish, anonymous=True)
        fakes.shipping.amount_minor = 9_900
        at_it = body(("A", 2), shipping_quote_id=preview["delivery"]["quote_id"], **GUEST)
        status, order = await orders.call(
            "POST", "/api/v1/guest/orders", headers={**held, "Idempotency-Key": "k"}, json=at_it, anonymous=True
        )
        assert (status, order["shipping"]["amount"], order["total"]) == (201, "4.99", preview["total"])


@pytest.mark.parametrize("shipping", ["up", "down"])
async def test_a_quote_is_refused_after_its_time_and_its_order_is_repeated_ever_after(engines, prefix, shipping):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, quote_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        fakes.shipping.lifetime_s = 2.0
        used, late = await quoted(orders, buyer), await quoted(orders, buyer)
        status, order = await place(orders, buyer, ("A", 2), key="k1", shipping_quote_id=used)
        assert status == 201
        fakes.shipping.down = shipping == "down"
        ends_at = datetime.fromisoformat(fakes.shipping.quotes[late]["expires_at"])
        await until(lambda: datetime.now(UTC) > ends_at)
        assert await refused(orders, buyer, ("A", 2), shipping_quote_id=late) == (409, "shipping_quote_expired")
        assert await place(orders, buyer, ("A", 2), key="k1", shipping_quote_id=used) == (201, order)


async def test_a_quote_serves_its_customer_for_its_goods_and_its_place_only(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        quote_id = await quoted(orders, buyer)
        named = {"shipping_quote_id": quote_id}
        assert await refused(orders, customer(), ("A", 2), **named) == (422, "unknown_shipping_quote")
        nobodys = {"shipping_quote_id": str(uuid4())}
        assert await refused(orders, buyer, ("A", 2), **nobodys) == (422, "unknown_shipping_quote")
        elsewhere = {**ADDRESS, "postal_code": "D04 X285"}
        abroad = {**ADDRESS, "country": "DE"}
        for items, more, differs in (
            ([("A", 3)], {}, ["goods"]),
            ([("A", 2), ("B", 1)], {}, ["goods"]),
            ([("A", 2)], {"shipping_method": "express"}, ["shipping_method"]),
            ([("A", 2)], {"shipping_address": abroad}, ["country"]),
            ([("A", 2)], {"shipping_address": elsewhere}, ["postal_code"]),
        ):
            status, problem = await place(orders, buyer, *items, **named, **more)
            assert (status, problem["code"], problem["differs"]) == (422, "shipping_quote_mismatch", differs)
        assert fakes.inventory.calls == []
        tidy = {**ADDRESS, "postal_code": ADDRESS["postal_code"].lower()}
        assert (await place(orders, buyer, ("A", 1), ("A", 1), shipping_address=tidy, **named))[0] == 201


async def test_of_fifty_orders_that_want_one_quote_one_gets_it(engines, prefix):
    """Each in the end: one that a busy machine has not answered within the request's time asks again with its key."""
    patient = {"prices_timeout_s": 20.0, "quote_timeout_s": 20.0, "reserve_timeout_s": 20.0}
    async with shop(engines.redis, prefix) as fakes, pair(engines, "orders", prefix, **patient) as both:
        buyer = customer()

        async def is_found():
            return (await shown(both[1], buyer))[0] == 200

        await until(is_found)
        quote_id = await quoted(both[0], buyer)
        answers = await race(both, lambda at, _: buy(at, buyer, ("A", 2), shipping_quote_id=quote_id))
        codes = Counter(answer.get("code", status) for status, answer in answers)
        assert codes == {201: 1, "shipping_quote_used": 49}
        await until(lambda: fakes.inventory.held_units("A") == 2)


async def test_who_was_not_told_in_time_learns_by_the_same_key_that_the_quote_is_used(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, reserve_timeout_s=2.0) as orders,
    ):
        buyer = customer()
        at_it = {"shipping_quote_id": await quoted(orders, buyer)}
        fakes.inventory.plan.append("hang_after")
        fakes.inventory.may_show = asyncio.Event()  # the saga of the late one waits until the other is placed
        assert await refused(orders, buyer, ("A", 2), key="late", **at_it) == (503, "order_outcome_unknown")
        assert (await place(orders, buyer, ("A", 2), **at_it))[0] == 201
        fakes.inventory.may_show.set()
        status, problem = await buy(orders, buyer, ("A", 2), key="late", **at_it)
        assert (status, problem["code"]) == (409, "shipping_quote_used")
        await until(lambda: fakes.inventory.held_units("A") == 2)
        fakes.inventory.resume.set()


async def test_an_address_that_nothing_can_be_delivered_to_is_refused_and_nothing_is_held(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.shipping.undeliverable.add("D99")
        nowhere = {**ADDRESS, "postal_code": "D99"}
        status, problem = await place(orders, customer(), ("A", 1), shipping_address=nowhere)
        assert (status, problem["code"], problem["field"]) == (422, "invalid_address", "postal_code")
        status, problem = await shown(orders, customer(), postal_code="D99")
        assert (status, problem["code"]) == (422, "invalid_address")
        assert fakes.inventory.calls == []


async def test_an_order_goes_to_the_address_as_the_post_writes_it_which_is_asked_for_once(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        for _ in range(3):
            address = {**ADDRESS, "postal_code": "d02 x285"}
            status, order = await place(orders, customer(), ("A", 1), shipping_address=address)
            assert (status, order["shipping_address"]["postal_code"]) == (201, "D02 X285")
        assert fakes.shipping.checked == 1


async def test_while_shipping_is_away_a_quote_that_was_shown_is_kept(engines, prefix):
    """It was promised, and nobody needs shipping to keep the promise."""
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, quote_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        quote_id = await quoted(orders, buyer)
        fakes.shipping.down = True
        status, order = await place(orders, buyer, ("A", 2), shipping_quote_id=quote_id)
        assert (status, order["shipping"]["amount"]) == (201, "4.99")
        never_shown = {"shipping_quote_id": str(uuid4())}
        assert await refused(orders, buyer, ("A", 2), **never_shown) == (503, "shipping_quote_unavailable")


async def test_while_shipping_is_away_an_address_is_taken_as_given_and_goods_at_what_it_said_last(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, quote_ttl_s=0.01) as orders,
    ):
        await place(orders, customer(), ("A", 1))
        fakes.shipping.down = True
        unheard_of = {**ADDRESS, "postal_code": "d04 x285"}
        status, order = await place(orders, customer(), ("A", 1), shipping_address=unheard_of)
        assert (status, order["shipping_address"]["postal_code"]) == (201, "d04 x285")
        assert await refused(orders, customer(), ("A", 9)) == (503, "shipping_quote_unavailable")


def test_a_quote_outlives_what_is_cached_of_it_and_is_outlived_by_what_is_remembered():
    life = {field.name: field.default for field in msgspec.structs.fields(ShippingSettings)}["quote_lifetime_s"]
    ours = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    assert ours["quote_ttl_s"] * 2 < life < ours["quote_kept_s"]
