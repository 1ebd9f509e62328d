"""Orders and the real inventory over HTTP and Kafka; payments and shipping are told by the test."""

from uuid import uuid4

import pytest

from shared.contracts.payments import PaymentFailed, PaymentProcessed, PaymentRefunded
from svc.orders.clients import InventoryClient, Reservation
from tests.support.builders.orders import buy, customer, place
from tests.support.builders.placed_order import Told, rows
from tests.support.fakes.shop import shop
from tests.support.services import database_of, served, topics, until
from tests.support.stocking import receive

pytestmark = pytest.mark.service("orders")


async def reservation(inventory, order_id):
    (row,) = await rows(
        inventory.settings.database_url, "SELECT * FROM audit.reservations WHERE order_id = $1", order_id
    )
    return row


async def available(inventory):
    _, body = await inventory.call("GET", "/api/v1/stock?skus=A")
    return body["items"][0]["available"]


async def test_a_paid_order_commits_its_stock_and_a_declined_one_gives_it_back(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix, without=("inventory",)) as fakes,
        served(engines, "inventory", prefix=prefix) as inventory,
        served(engines, "orders", prefix=prefix) as orders,
    ):
        await receive(inventory, "A", 5)
        paid, declined = customer(), customer()
        _, one = await place(orders, paid, ("A", 2))
        _, other = await place(orders, declined, ("A", 3))
        assert await available(inventory) == 0

        await Told(engines, prefix, orders, paid, one, fakes).tell(PaymentProcessed)
        story = Told(engines, prefix, orders, declined, other, fakes)
        await story.tell(PaymentFailed)
        ended = await story.becomes("cancelled", saga="compensated")
        assert [event["type"] for event in ended["events"]] == ["order.created", "order.cancelled"]

        async def committed():
            return (await reservation(inventory, one["id"]))["status"] == "committed"

        await until(committed)
        assert (await reservation(inventory, other["id"]))["status"] == "released"
        assert await available(inventory) == 3


async def test_a_paid_order_that_is_cancelled_is_restocked_and_compensated(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix, without=("inventory",)) as fakes,
        served(engines, "inventory", prefix=prefix) as inventory,
        served(engines, "orders", prefix=prefix) as orders,
    ):
        await receive(inventory, "A", 1)
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1))
        told = Told(engines, prefix, orders, buyer, order, fakes)
        await told.tell(PaymentProcessed)
        await told.becomes("paid")

        async def committed():
            return (await reservation(inventory, order["id"]))["status"] == "committed"

        await until(committed)
        await orders.call("POST", f"/api/v1/orders/{order['id']}/cancel", principal=buyer)

        async def restocked():
            return await available(inventory) == 1

        await until(restocked)
        assert (await told.story())["saga"]["status"] == "running"
        await told.tell(PaymentRefunded)
        await told.becomes("cancelled", saga="compensated")


class NeverPins(InventoryClient):
    """Trusts that a hold lives longer than events may lag."""

    async def pin(self, reservation_id):
        return Reservation(reservation_id, "held")


async def let_a_hold_end(inventory, sku):
    """Wait until a hold that is made now has expired, and with it all older ones that may."""
    hold = {"reservation_id": str(uuid4()), "customer_id": str(uuid4()), "lines": [{"sku": sku, "quantity": 1}]}
    assert (await inventory.call("POST", "/internal/reservations", json=hold))[0] == 201

    async def expired():
        return (await reservation(inventory, hold["reservation_id"]))["status"] == "expired"

    await until(expired)


@pytest.mark.parametrize(
    ("planted", "endings"),
    [({}, ["paid"]), ({"inventory": NeverPins}, ["cancelled", "cancelled"])],
    ids=["healthy", "never pins"],
)
async def test_the_last_unit_is_sold_once_however_late_events_are_and_short_its_hold(engines, prefix, planted, endings):
    """Orders publishes nothing until the hold's time is long over; then all is told. Without the pin, both buy it."""
    async with (
        topics(engines, prefix),
        database_of(engines, "orders") as database,
        shop(engines.redis, prefix, without=("inventory",)) as fakes,
        served(engines, "inventory", prefix=prefix, hold_ttl_s=0.5, sweep_interval_s=0.05) as inventory,
    ):
        await receive(inventory, "A", 1)
        await receive(inventory, "B", 1, reference="r2")
        buyers = [customer(), customer()]
        async with served(
            engines, "orders", prefix=prefix, role="api", database_url=database, parts=planted
        ) as lagging:
            answers = []
            for buyer in buyers:
                answers.append(await buy(lagging, buyer, ("A", 1)))
                await let_a_hold_end(inventory, "B")
        assert [status for status, _ in answers].count(201) == len(endings)
        async with served(engines, "orders", prefix=prefix, database_url=database) as orders:
            for ending, buyer, (_, order) in zip(endings, buyers, answers, strict=False):
                told = Told(engines, prefix, orders, buyer, order, fakes)
                await told.tell(PaymentProcessed)
                await told.becomes(ending)


async def test_an_order_pins_its_hold_so_that_it_does_not_expire(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix, without=("inventory",)),
        served(engines, "inventory", prefix=prefix) as inventory,
        served(engines, "orders", prefix=prefix) as orders,
    ):
        await receive(inventory, "A", 1)
        _, order = await place(orders, customer(), ("A", 1))

        async def pinned():
            return (await reservation(inventory, order["id"]))["pinned"]

        await until(pinned)
        status, refused = await place(orders, customer(), ("A", 1))
        assert (status, refused["code"]) == (409, "insufficient_stock")
