import time
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.identity import Principal
from shared.webhook_signatures import sign
from tests.support.sending import CUSTOMER, a_paid_order, depot, shipment_id_of
from tests.support.services import WEBHOOK_SECRET, until

pytestmark = pytest.mark.service("shipping")

OWNER = Principal(subject=str(CUSTOMER), roles=frozenset({"customer"}))


async def report(house, kind, number):
    """The carrier tells of a parcel by itself."""
    body = msgspec.json.encode(
        {"id": f"evt_{uuid4().hex}", "type": f"shipment.{kind}", "data": {"tracking_number": number}}
    )
    headers = {"X-Signature": sign(WEBHOOK_SECRET, body, at=int(time.time()))}
    assert (await house.service.call("POST", "/api/v1/webhooks/carrier", data=body, headers=headers))[0] == 200


async def events_of(house, aggregate_id):
    rows = await house.connection.fetch(
        "SELECT type, payload::jsonb -> 'data' AS data FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
        str(aggregate_id),
    )
    return {row["type"]: msgspec.json.decode(row["data"]) for row in rows}


async def delivered(house, **order):
    paid = a_paid_order(**order)
    await house.pay(paid)
    await house.reaches(paid, "delivered")
    return paid


async def send_back(house, order, quantity, *, return_id=None, principal=OWNER, sku="A"):
    wish = {"id": str(return_id or uuid4()), "lines": [{"sku": sku, "quantity": quantity}], "reason": "too small"}
    path = f"/api/v1/shipments/{shipment_id_of(order)}/returns"
    status, body = await house.service.call("POST", path, json=wish, principal=principal)
    return (status, body) if status == 201 else (status, body["code"])


async def test_a_lost_parcel_is_told_and_may_still_arrive(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(in_transit_after_s=60)
        order = a_paid_order()
        await house.pay(order)
        number = (await house.reaches(order, "handed_over"))["tracking_number"]
        for kind in ("lost", "in_transit", "lost"):  # the second is old news by then
            await report(house, kind, number)
        await house.reaches(order, "lost")
        await report(house, "delivered", number)
        await house.reaches(order, "delivered")
        assert await house.way(order) == ["created", "labelled", "handed_over", "lost", "delivered"]
        assert await house.told(order) == [
            "shipment.created", "shipment.dispatched", "shipment.lost", "shipment.delivered",
        ]  # fmt: skip
        assert await house.withhold(order) == "too_late"


async def test_a_parcel_that_comes_back_brings_its_goods(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(in_transit_after_s=60)
        order = a_paid_order(quantity=3)
        await house.pay(order)
        number = (await house.reaches(order, "handed_over"))["tracking_number"]
        for _ in range(3):
            await report(house, "returned", number)
        await house.reaches(order, "returned")
        await house.webhooks_applied()
        assert await house.told(order) == ["shipment.created", "shipment.dispatched", "return.received"]
        told = (await events_of(house, shipment_id_of(order)))["return.received"]
        assert told["lines"] == [{"sku": "A", "quantity": 3, "warehouse": ""}]


async def test_a_customer_sends_goods_back_with_our_label(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave()
        order = await delivered(house, quantity=3)
        return_id = uuid4()
        for _ in range(2):
            status, body = await send_back(house, order, 2, return_id=return_id)
            assert (status, body["direction"], body["return_of"]) == (201, "return", str(shipment_id_of(order)))
        assert await send_back(house, order, 1, return_id=return_id) == (422, "return_mismatch")
        assert await send_back(house, order, 2) == (422, "return_exceeds_shipment")

        async def labelled():
            _, one = await house.service.call("GET", f"/api/v1/shipments/{return_id}", principal=OWNER)
            return one if one["status"] == "labelled" else None

        label = await until(labelled)
        assert label["label_url"].endswith(label["tracking_number"])
        assert [line.service for line in house.journal(order, "label")] == ["standard", "return"]
        for kind in ("handed_over", "delivered", "in_transit"):
            await report(house, kind, label["tracking_number"])

        async def received():
            return await events_of(house, return_id) or None

        told = await until(received)
        assert list(told) == ["return.received"]
        assert told["return.received"]["lines"] == [{"sku": "A", "quantity": 2, "warehouse": ""}]
        assert UUID(told["return.received"]["order_id"]) == order.order_id
        assert (await house.shipment(order))["status"] == "delivered"
        assert (await send_back(house, order, 1))[0] == 201


async def test_what_cannot_be_sent_back_is_refused(engines, prefix, tmp_path):
    stranger = Principal(subject=str(uuid4()), roles=frozenset({"customer"}))
    async with depot(engines, prefix, tmp_path, return_window_s=0.0) as house:
        house.behave(in_transit_after_s=60)
        order = a_paid_order()
        await house.pay(order)
        number = (await house.reaches(order, "handed_over"))["tracking_number"]
        assert await send_back(house, order, 1) == (409, "not_returnable")
        assert await send_back(house, order, 1, principal=stranger) == (404, "unknown_shipment")
        assert await send_back(house, order, 0) == (400, "invalid_body")
        await report(house, "delivered", number)
        await house.reaches(order, "delivered")
        assert await send_back(house, order, 1) == (409, "return_window_over")
