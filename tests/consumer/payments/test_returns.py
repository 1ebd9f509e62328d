"""What is owed for goods that came back goes back to the customer, once, and never more than was paid."""

from uuid import uuid4

import pytest

from shared.contracts.orders import ReturnCompleted
from tests.support.paying import an_order, till
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("payments")


def returned(order, amount_minor, *, parcel=None):
    fact = ReturnCompleted(
        order_id=order.order_id, order_number=order.order_number, customer_id=order.customer_id, email=order.email,
        currency=order.currency, total_minor=order.total_minor, return_id=parcel or uuid4(), amount_minor=amount_minor,
    )  # fmt: skip
    return envelope(fact, order.order_id, 5)


async def test_a_return_is_paid_back_once_however_often_it_is_told(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        parcel = uuid4()
        event, again = returned(order, 2_000, parcel=parcel), returned(order, 2_000, parcel=parcel)
        await publish(engines, prefix, event, again, event, returned(order, 999))
        await shop.refunds_done(order, 2_999)
        assert sorted(line.amount_minor for line in shop.journal(order, "refund")) == [999, 2_000]
        reasons = await shop.connection.fetch("SELECT DISTINCT reason, requested_by FROM refunds")
        assert [tuple(row) for row in reasons] == [("goods_returned", "orders")]


async def test_what_staff_gave_back_before_is_not_given_back_again(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert (await shop.refund(order, "80.00"))[0] in {201, 202}
        await publish(engines, prefix, returned(order, 8_999), returned(order, 8_999))
        await shop.refunds_done(order, 8_999)
        assert sorted(line.amount_minor for line in shop.journal(order, "refund")) == [999, 8_000]


async def test_nobody_is_paid_back_what_was_not_paid(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        never = an_order()
        await publish(engines, prefix, returned(never, 100))

        async def buried():
            letters = await shop.connection.fetch("SELECT aggregate_id FROM dead_letters")
            return [row["aggregate_id"] for row in letters] == [str(never.order_id)]

        await until(buried)
        assert await shop.connection.fetchval("SELECT count(*) FROM refunds") == 0
