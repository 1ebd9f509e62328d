"""Many repairs that give back one order's difference at one moment."""

import pytest

from tests.support.paying import an_order, processes
from tests.support.racing import race

pytestmark = pytest.mark.service("payments")


async def test_of_many_who_give_the_difference_back_at_once_one_refund_comes(engines, prefix, tmp_path):
    async with (
        processes(engines, prefix, tmp_path) as process,
        process() as shop,
        process(instance="payments-2") as other,
    ):
        order = an_order(total_minor=8_999)
        await shop.place(order)
        await shop.reaches(order, "captured")
        path = f"/internal/payments/{order.order_id}/price-difference"
        body = {"amount": {"amount": "0.07", "currency": "EUR"}}
        answers = await race((shop.service, other.service), lambda instance, _: instance.call("POST", path, json=body))
        assert {status for status, _ in answers} == {200}
        assert len({refund["id"] for _, refund in answers}) == 1
        await shop.refunds_done(order, 7)
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [7]
