"""Events twice, shuffled and broken: the figures are those of each event once, and poison holds nothing up."""

from random import Random

import asyncpg
import pytest

from shared.contracts import encode
from shared.kafka_producer import Message, Producer
from tests.support.builders.shop_events import Order
from tests.support.reporting import SHOWN, record, settle, shown
from tests.support.services import opened_database, publish, served, topics, until

pytestmark = pytest.mark.service("analytics")


async def test_figures_do_not_depend_on_how_often_and_in_which_order_events_come(engines, prefix):
    orders = [Order(total_minor=1_000 + number) for number in range(4)]
    told = [event for order in orders for event in [*order.fulfilled(), order.refunded(100), order.corrected(900)]]
    shuffled = [*told, *told]
    Random(7).shuffle(shuffled)
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as analytics:
        await publish(engines, prefix, *shuffled)
        connection = await asyncpg.connect(analytics.settings.database_url)
        try:

            async def all_counted():
                return await connection.fetchval(
                    "SELECT (SELECT count(*) FROM events) = $1 AND NOT EXISTS (SELECT FROM unprojected)", len(told)
                )

            await until(all_counted)
            figures = await connection.fetchval(SHOWN)
        finally:
            await connection.close()
    async with opened_database(engines, "analytics") as database:
        await record(database, *told)
        await settle(database)
        assert figures == await shown(database)


async def test_an_event_that_cannot_be_read_is_a_dead_letter_and_those_behind_it_are_counted(engines, prefix):
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as analytics:
        broken, good = Order().captured(), Order().captured()
        payload = encode(broken).replace(b'"amount_minor":3000', b'"amount_minor":"much"')
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            await producer.send([Message(broken.data.topic.name, broken.aggregate_id, payload)])
        finally:
            await producer.close()
        await publish(engines, prefix, good)

        async def counted():
            _, report = await analytics.call("GET", "/api/v1/reports/revenue?since=2026-01-01&until=2026-01-31")
            return report["days"] and not report["events_behind"] and report["days"]

        (day,) = await until(counted)
        assert (day["orders"], day["paid"]["amount"]) == (1, "30.00")
        connection = await asyncpg.connect(analytics.settings.database_url)
        try:
            assert await connection.fetchval("SELECT reason FROM dead_letters") == "invalid_data"
        finally:
            await connection.close()
