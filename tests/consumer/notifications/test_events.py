"""What events become: one delivery per channel, whatever comes twice, late, out of order or broken."""

from uuid import UUID

import pytest

from shared.contracts.orders import OrderCancelled, OrderRefunded, OrderShipped
from tests.support.notifying import desk, order_created, order_paid, reader
from tests.support.services import envelope, publish

pytestmark = pytest.mark.service("notifications")


def _facts(order, **more):
    names = ("order_id", "order_number", "customer_id", "email", "currency", "total_minor")
    return {**{name: getattr(order, name) for name in names}, **more}


async def test_every_stage_of_an_order_is_told_once_however_the_events_are_shuffled(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        placed = order_created(customer_id=UUID(ann.subject))
        stages = [
            placed,
            order_paid(**_facts(placed)),
            OrderShipped(**_facts(placed), shipment_id=placed.order_id, carrier="dhl", tracking_number="T1"),
            OrderRefunded(**_facts(placed), refunded_minor=100),
            OrderCancelled(**_facts(placed), reason="customer", lines=[]),
        ]
        told = [envelope(event, placed.order_id, version) for version, event in enumerate(stages, start=1)]
        await publish(engines, prefix, *reversed(told), *told)
        rows = await notifications.reach(5, channel="email", status="sent")
        templates = ["order_cancelled", "order_paid", "order_placed", "order_refunded", "order_shipped"]
        assert sorted(row["template"] for row in rows) == templates
        assert sorted(mail.template for mail in notifications.journals().smtp) == templates
        assert len(await notifications.deliveries(channel="in_app")) == 5


async def test_a_poisoned_event_keeps_no_other_customers_letter(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        healthy = order_paid()
        poison = order_paid(email="a\x00b@example.com")
        await notifications.tell(poison, healthy)
        (sent,) = await notifications.reach(1, channel="email", status="sent")
        assert sent["order_id"] == healthy.order_id
        letters = await notifications.connection.fetch("SELECT aggregate_id FROM dead_letters")
        assert [letter["aggregate_id"] for letter in letters] == [str(poison.order_id)]
