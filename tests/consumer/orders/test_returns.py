"""Parcels that bring goods of an order back: what is owed for them is told once."""

from uuid import uuid4

import msgspec
import pytest

from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from shared.contracts.shipping import ReturnReceived, ShipmentDelivered
from shared.contracts.values import StockLine
from tests.support.builders.orders import minor
from tests.support.builders.placed_order import an_order
from tests.support.services import envelope, publish

pytestmark = pytest.mark.service("orders")


async def owed(told):
    """What was told of returns."""
    found = await told.rows("SELECT payload::jsonb ->> 'data' AS data FROM outbox WHERE type = 'return.completed'")
    return [msgspec.json.decode(row["data"]) for row in found]


def brought(told, *lines, parcel=None):
    return told.fact(
        ReturnReceived,
        shipment_id=parcel or uuid4(),
        lines=[StockLine(sku=sku, warehouse="main", quantity=quantity) for sku, quantity in lines],
    )


async def come_back(told, fact):
    """Tells it and waits until it is applied."""
    told.version += 1
    await publish(told.engines, told.prefix, envelope(fact, fact.shipment_id, 1))
    await told.applied(told.version)


async def test_goods_that_came_back_are_owed_for_once_whatever_tells_it_again(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed, ShipmentDelivered)
        await told.becomes("completed")
        parcel = uuid4()
        for _ in range(2):  # a redrive has another id
            await come_back(told, brought(told, ("A", 1), parcel=parcel))
        await come_back(told, brought(told, ("A", 1)))
        (one,) = await owed(told)
        assert (one["return_id"], one["amount_minor"]) == (str(parcel), minor(told.order["total"]))
        story = await told.story()
        versions = [event["aggregate_version"] for event in story["events"]]
        assert versions == list(range(1, len(versions) + 1))
        await told.tell(PaymentRefunded, reason="goods_returned")
        await told.becomes("refunded")


async def test_what_was_never_ordered_is_not_owed_for(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        await come_back(told, brought(told, ("GHOST", 5)))
        assert await owed(told) == []
        (kept,) = await told.rows("SELECT amount_minor FROM order_returns")
        assert kept["amount_minor"] == 0


async def test_a_cancelled_order_is_paid_back_by_its_cancellation_alone(engines, prefix):
    async with an_order(engines, prefix) as told:
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        status, answer = await told.orders.call("POST", path, principal=told.buyer)
        assert (status, answer["status"]) == (200, "cancelled"), answer
        await come_back(told, brought(told, ("A", 1)))
        assert await owed(told) == []


async def test_what_a_wrong_price_took_too_much_is_not_owed_for_goods_again(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed, ShipmentDelivered)
        await told.becomes("completed")
        charged = minor(told.order["total"])
        await told.rows(
            "INSERT INTO price_corrections (order_id, currency, discount_minor, tax_minor, shipping_minor, "
            "total_minor, charged_minor, discounts, taxes, reason, actor) "
            "SELECT id, currency, 0, tax_minor - 7, shipping_minor, total_minor - 7, total_minor, '{0}', "
            "ARRAY[tax_minor - 7], 'priced wrongly', 'test' FROM orders"
        )
        await come_back(told, brought(told, ("A", 1)))
        (one,) = await owed(told)
        assert one["amount_minor"] == charged - 7
