"""A payment that an event was misread into is paid back once, and only such a payment."""

from uuid import uuid4

import asyncpg
import pytest

from shared.ids import new_id
from tests.support.paying import an_order, till

pytestmark = pytest.mark.service("payments")


async def annul(shop, order, event_id):
    path = f"/internal/payments/{order.order_id}/annulment"
    return await shop.service.call("POST", path, json={"event_id": str(event_id)})


async def event_of(shop):
    """The event that made the payment: the only one that was taken."""
    (taken,) = await shop.connection.fetch("SELECT event_id FROM inbox")
    return taken["event_id"]


async def test_all_that_was_captured_goes_back_once_and_the_event_stays_applied(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(total_minor=12_300)
        await shop.place(order)
        await shop.reaches(order, "captured")
        event_id = await event_of(shop)
        assert await annul(shop, order, event_id) == (200, {"given_back_minor": 12_300})
        assert await annul(shop, order, event_id) == (200, {"given_back_minor": 0})
        await shop.refunds_done(order, 12_300)
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [12_300]
        assert (await shop.told(order)).count("payment.refunded") == 1
        (row,) = await shop.connection.fetch("SELECT order_id, event_id, decided_by FROM audit.annulments")
        assert (row["order_id"], row["event_id"]) == (order.order_id, event_id)
        assert await event_of(shop) == event_id
        for statement in ("UPDATE annulments SET decided_by = 'x'", "DELETE FROM annulments"):
            with pytest.raises(asyncpg.RaiseError, match="annulled once"):
                await shop.connection.fetch(statement)


async def test_a_payment_of_no_such_event_is_left_alone(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert (await annul(shop, order, new_id()))[1]["code"] == "not_misread"
        assert (await annul(shop, an_order(), uuid4()))[1]["code"] == "unknown_payment"
        assert shop.journal(order, "refund") == []


async def test_where_nothing_was_captured_nothing_goes_back(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(method="tok_declined")
        await shop.place(order)
        await shop.reaches(order, "failed")
        assert await annul(shop, order, await event_of(shop)) == (200, {"given_back_minor": 0})
        assert len(await shop.connection.fetch("SELECT FROM annulments")) == 1
