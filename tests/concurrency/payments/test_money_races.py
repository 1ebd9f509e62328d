import asyncio

import pytest

from svc.payments.domain import payment_id_of
from tests.support.paying import an_order, reopened, till
from tests.support.services import until

pytestmark = pytest.mark.service("payments")


async def test_twenty_synchronised_refunds_never_exceed_the_capture(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(refund_guard=False, webhook_copies=3, webhook_shuffle=True)  # only our own bound counts
        orders = [an_order(total_minor=10_000) for _ in range(3)]
        await shop.place(*orders)
        for order in orders:
            await shop.reaches(order, "captured")
        wishes = [shop.refund(order, "9.99") for order in orders for _ in range(20)]
        answers = await asyncio.gather(*wishes)
        assert sorted(status for status, _ in answers) == [201] * 30 + [409] * 30
        for order in orders:
            await shop.refunds_done(order, 9_990)
            assert sum(line.amount_minor for line in shop.journal(order, "refund")) == 9_990


async def test_a_refund_by_hand_and_a_cancellation_share_one_bound(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(refund_guard=False)
        orders = [an_order() for _ in range(8)]
        await shop.place(*orders)
        for order in orders:
            await shop.reaches(order, "captured")
        await asyncio.gather(shop.cancel(*orders), *(shop.refund(order, "50.00") for order in orders))
        for order in orders:
            await shop.refunds_done(order, 8_999)
            assert sum(line.amount_minor for line in shop.journal(order, "refund")) == 8_999


async def test_two_processes_refund_each_request_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(
            idempotency=False, operations=("refund",), timeout_after_success_rate=0.2, error_then_success_rate=0.2,
            webhook_copies=3, webhook_before_response_rate=0.3, webhook_shuffle=True, seed=5,
        )  # fmt: skip
        async with reopened(engines, prefix, shop.world, shop.database_url, instance="payments-2"):
            order = an_order(total_minor=10_000)
            await shop.place(order)
            await shop.reaches(order, "captured")
            answers = await asyncio.gather(*(shop.refund(order, "5.00") for _ in range(20)))
            assert {status for status, _ in answers} == {201}
            await shop.refunds_done(order, 10_000)
            assert [line.amount_minor for line in shop.journal(order, "refund")] == [500] * 20
            balance = await shop.connection.fetchval(
                "SELECT sum(amount_minor) FROM audit.ledger WHERE account = 'psp_receivable'"
            )
            assert balance == 0
            assert len(await shop.told(order)) == 21


async def test_of_many_captures_and_voids_at_once_one_decision_wins_and_the_money_moves_so(engines, prefix, tmp_path):
    """50 requests for each of two payments, through two processes, while one of the orders is cancelled."""
    by_hand = {"capture_by_hand_from": ("1.00 EUR",)}
    async with (
        till(engines, prefix, tmp_path, **by_hand) as shop,
        reopened(engines, prefix, shop.world, shop.database_url, instance="payments-2", **by_hand) as other,
    ):
        shop.behave(idempotency=False)
        orders = [an_order(), an_order()]
        cancelled = orders[1]
        await shop.place(*orders)
        for order in orders:
            await shop.reaches(order, "authorised")

        async def asked(till, order, verb):
            path = f"/api/v1/payments/{payment_id_of(order.order_id)}/{verb}"
            return verb, (await till.service.call("POST", path))[0]

        wishes = [
            asked(till, order, verb)
            for till in (shop, other)
            for order in orders
            for verb in ("capture", "void")
            for _ in range(13)
        ]
        *answers, _ = await asyncio.gather(*wishes, shop.cancel(cancelled))
        assert {status for _, status in answers} <= {202, 409}
        for order in orders:
            won = await shop.connection.fetchrow("SELECT * FROM authorisations WHERE order_id = $1", order.order_id)
            ended = await shop.reaches(order, {"capture": "captured", "void": "cancelled"}[won["intent"]])
            assert [line.kind for line in shop.journal(order, "capture", "void")] == [won["intent"]]
            if order is cancelled and ended["status"] == "captured":
                await shop.refunds_done(order, 8_999)
        assert sum(status == 202 for verb, status in answers if verb == "capture") in {0, 26, 52}


async def test_the_ledger_chain_stays_one_line_under_parallel_writers(engines, prefix, tmp_path):
    async with (
        till(engines, prefix, tmp_path) as shop,
        reopened(engines, prefix, shop.world, shop.database_url, instance="payments-2"),
    ):
        orders = [an_order(currency=currency) for currency in ("EUR", "JPY") for _ in range(25)]
        await shop.place(*orders)

        async def all_booked():
            return await shop.connection.fetchval("SELECT count(*) FROM audit.ledger") == 100

        await until(all_booked)
        for currency in ("EUR", "JPY"):
            rows = await shop.connection.fetch("SELECT * FROM audit.ledger WHERE currency = $1", currency)
            follows = {row["previous_hash"]: row["entry_hash"] for row in rows}
            head, length = "0" * 64, 0
            while head in follows:
                head, length = follows[head], length + 1
            assert length == 50
