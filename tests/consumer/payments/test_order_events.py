import msgspec
import pytest

from shared.contracts import encode
from shared.kafka_producer import Message, Producer
from tests.support.paying import an_order, cancelled, till
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("payments")


async def test_an_event_delivered_many_times_charges_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        event = envelope(order, order.order_id)
        again = envelope(order, order.order_id)  # a redrive under another id
        await publish(engines, prefix, event, event, again, event)
        await shop.reaches(order, "captured")
        await publish(engines, prefix, event, again)
        last = an_order()
        await shop.place(last)
        await shop.reaches(last, "captured")
        assert len(shop.journal(order, "capture")) == 1
        assert await shop.told(order) == ["payment.processed"]
        assert await shop.connection.fetchval("SELECT count(*) FROM audit.inbox") == 3


async def test_a_cancellation_delivered_many_times_pays_back_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.cancel(order)
        await shop.cancel(order)
        await shop.refunds_done(order, 8_999)
        assert len(shop.journal(order, "refund")) == 1


async def test_poison_is_buried_and_the_next_order_is_charged(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        negative, newer, odd, good = an_order(total_minor=-1), an_order(), an_order(), an_order()
        await shop.place(negative)
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            version_2 = msgspec.structs.replace(envelope(newer, newer.order_id), version=2)
            half = msgspec.json.decode(encode(envelope(odd, odd.order_id)))
            del half["data"]["currency"]
            await producer.send(
                [
                    Message(newer.topic.name, str(newer.order_id), encode(version_2)),
                    Message(odd.topic.name, str(odd.order_id), msgspec.json.encode(half)),
                    Message(odd.topic.name, "x", b"\x00 not json"),
                ]
            )
        finally:
            await producer.close()
        await shop.place(good)
        await shop.reaches(good, "captured")

        async def buried():
            rows = await shop.connection.fetch("SELECT reason, attempts FROM audit.dead_letters")
            return {row["reason"]: row["attempts"] for row in rows} if len(rows) == 4 else None

        assert await until(buried) == {"handler_failed": 5, "newer_version": 1, "invalid_data": 1, "undecodable": 1}
        assert await shop.payment(negative) is None
        assert await shop.payment(newer) is None


async def test_what_follows_a_poisoned_order_is_parked_behind_it(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(total_minor=-1)
        await shop.place(order)

        async def dead():
            return await shop.connection.fetchval("SELECT count(*) FROM audit.dead_letters")

        await until(dead)
        await publish(engines, prefix, envelope(cancelled(order), order.order_id, 2))

        async def parked():
            return await shop.connection.fetchval("SELECT count(*) FROM audit.dead_letters WHERE parked")

        assert await until(parked) == 1
