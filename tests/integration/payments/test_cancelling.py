import asyncio

import pytest

from tests.support.paying import an_order, till
from tests.support.services import free_port, until

pytestmark = pytest.mark.service("payments")


def _net_minor(shop, order):
    captured = sum(line.amount_minor for line in shop.journal(order, "capture"))
    return captured - sum(line.amount_minor for line in shop.journal(order, "refund"))


async def test_a_cancelled_capture_is_given_back_in_full(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.refund(order, "20.00")
        await shop.cancel(order)
        await shop.refunds_done(order, 8_999)
        assert _net_minor(shop, order) == 0
        assert (await shop.told(order))[0] == "payment.processed"
        assert (await shop.told(order))[1:] == ["payment.refunded"] * 2


async def test_an_order_cancelled_before_its_call_is_never_charged(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_url=f"http://127.0.0.1:{free_port()}") as shop:
        order = an_order()
        await shop.place(order)

        async def tried():
            return await shop.attempts(order)

        await until(tried)
        await shop.cancel(order)
        await shop.reaches(order, "cancelled")
        assert await shop.told(order) == ["payment.failed"]


async def test_an_order_cancelled_in_mid_call_ends_without_money(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_timeout_s=3.0, lease_s=5.0) as shop:
        shop.behave(slow_s=1.0, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        await shop.place(order)
        await until(lambda: shop.journal(order, "capture"))
        await shop.cancel(order)
        await shop.refunds_done(order, 8_999)
        assert _net_minor(shop, order) == 0
        assert await shop.told(order) == ["payment.processed", "payment.refunded"]


async def test_an_order_cancelled_in_doubt_that_was_never_charged_is_cancelled(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, absence_grace_s=1.5) as shop:
        order = an_order(method="tok_error_then_success")
        await shop.place(order)
        await shop.reaches(order, "unknown")
        await shop.cancel(order)
        await shop.reaches(order, "cancelled")
        assert await shop.told(order) == ["payment.failed"]
        assert _net_minor(shop, order) == 0
        assert shop.journal(order, "capture") == []


async def test_a_cancellation_that_comes_first_wins(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order, later = an_order(), an_order()
        await shop.cancel(order)
        await shop.reaches(order, "cancelled")
        await shop.place(order, later)
        await shop.reaches(later, "captured")
        assert (await shop.payment(order))["status"] == "cancelled"
        assert shop.journal(order, "authorise") == []


async def test_orders_cancelled_while_they_are_charged_keep_no_money(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(
            timeout_after_success_rate=0.15,
            error_then_success_rate=0.15,
            webhook_copies=2,
            webhook_shuffle=True,
            seed=3,
        )
        orders = [an_order() for _ in range(30)]
        await asyncio.gather(shop.place(*orders), shop.cancel(*orders))

        async def settled():
            row = await shop.connection.fetchrow(
                "SELECT count(*) AS payments, "
                "count(*) FILTER (WHERE status IN ('cancelled', 'failed') OR refunded_minor = amount_minor) AS done "
                "FROM audit.payments"
            )
            return tuple(row) == (30, 30)

        await until(settled)
        assert [_net_minor(shop, order) for order in orders] == [0] * 30
