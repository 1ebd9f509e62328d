import msgspec
import pytest

from shared.contracts import encode
from shared.kafka_producer import Message, Producer
from tests.support.sending import a_paid_order, depot
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("shipping")


async def test_an_order_paid_many_times_is_sent_once(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave()
        order, last = a_paid_order(), a_paid_order()
        event = envelope(order, order.order_id, 2)
        again = envelope(order, order.order_id, 2)  # a redrive under another id
        await publish(engines, prefix, event, event, again)
        await house.reaches(order, "delivered")
        await publish(engines, prefix, event, again)
        await house.pay(last)
        await house.reaches(last, "delivered")
        assert len(house.journal(order, "label")) == 1
        assert await house.told(order) == ["shipment.created", "shipment.dispatched", "shipment.delivered"]


async def test_a_cancellation_that_comes_first_keeps_the_parcel(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave()
        order, last = a_paid_order(), a_paid_order()
        await house.cancel(order)
        await house.pay(order, last)
        await house.reaches(last, "delivered")
        assert await house.shipment(order) is None
        assert house.journal(order, "label") == []


async def test_poison_is_buried_and_the_next_parcel_leaves(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        newer, odd, good = a_paid_order(), a_paid_order(), a_paid_order()
        half = msgspec.json.decode(encode(envelope(odd, odd.order_id, 2)))
        del half["data"]["shipping_address"]
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            version_2 = msgspec.structs.replace(envelope(newer, newer.order_id, 2), version=2)
            await producer.send(
                [
                    Message(newer.topic.name, str(newer.order_id), encode(version_2)),
                    Message(odd.topic.name, str(odd.order_id), msgspec.json.encode(half)),
                    Message(odd.topic.name, "x", b"\x00 not json"),
                ]
            )
        finally:
            await producer.close()
        await house.pay(good)
        await house.reaches(good, "handed_over")

        async def buried():
            rows = await house.connection.fetch("SELECT reason FROM audit.dead_letters")
            return sorted(row["reason"] for row in rows) if len(rows) == 3 else None

        assert await until(buried) == ["invalid_data", "newer_version", "undecodable"]
        assert await house.shipment(newer) is None
