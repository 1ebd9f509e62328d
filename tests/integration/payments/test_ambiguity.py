"""A call whose outcome is unknown is asked about, never repeated blindly. The PSP's journal is the witness."""

import pytest
from redis.asyncio import Redis

from shared.circuit_breaker import CircuitBreaker
from shared.database import Database
from svc.payments.clients import HttpPsp
from svc.payments.domain import charge_key
from svc.payments.handlers.orders import owe_payment
from svc.payments.store import payments
from tests.support.paying import an_order, reopened, till
from tests.support.services import envelope, until

pytestmark = pytest.mark.service("payments")

DEDUPLICATION = pytest.mark.parametrize("deduplicates", [True, False], ids=["psp-deduplicates", "psp-does-not"])


@DEDUPLICATION
async def test_a_success_whose_answer_was_lost_is_found_not_repeated(engines, prefix, tmp_path, deduplicates):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(idempotency=deduplicates, webhook_delay_s=60)
        order = an_order(method="tok_timeout_after_success")
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert len(shop.journal(order, "authorise", "capture", "replayed")) == 2
        assert await shop.told(order) == ["payment.processed"]
        assert [outcome for _, outcome in await shop.attempts(order)] == ["captured"]


@DEDUPLICATION
async def test_an_error_before_the_effect_is_repeated_with_the_same_key(engines, prefix, tmp_path, deduplicates):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(idempotency=deduplicates)
        order = an_order(method="tok_error_then_success")
        await shop.place(order)
        row = await shop.reaches(order, "captured")
        key = charge_key(row["id"])
        assert await shop.attempts(order) == [(key, "error"), (key, "captured")]
        assert len(shop.journal(order, "capture")) == 1


async def test_a_slow_answer_is_overtaken_by_the_question(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(slow_s=60.0, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert len(shop.journal(order, "capture")) == 1


@DEDUPLICATION
async def test_a_kill_between_the_call_and_its_commit_charges_once(engines, prefix, tmp_path, deduplicates):
    """The dead process claimed and called; nobody heard the answer."""
    async with till(engines, prefix, tmp_path, role="api") as shop:
        shop.behave(idempotency=deduplicates, webhook_delay_s=60)
        order = an_order()
        await _placed_but_not_charged(shop, order)
        claimed = await _claim(shop)
        psp = HttpPsp(shop.world.psp_url, breaker=_breaker(), timeout_s=1.0)
        await psp.open()
        await psp.charge(
            order.order_id,
            amount_minor=claimed.amount_minor,
            currency=claimed.currency,
            payment_method=claimed.payment_method,
            idempotency_key=charge_key(claimed.id),
        )
        await psp.close()
        async with reopened(engines, prefix, shop.world, shop.database_url) as survivor:
            await survivor.reaches(order, "captured")
            assert len(survivor.journal(order, "capture")) == 1
            assert await survivor.told(order) == ["payment.processed"]


@DEDUPLICATION
async def test_a_kill_between_the_attempt_and_its_call_charges_once(engines, prefix, tmp_path, deduplicates):
    async with till(engines, prefix, tmp_path, role="api") as shop:
        shop.behave(idempotency=deduplicates)
        order = an_order()
        await _placed_but_not_charged(shop, order)
        claimed = await _claim(shop)
        async with reopened(engines, prefix, shop.world, shop.database_url) as survivor:
            await survivor.reaches(order, "captured")
            key = charge_key(claimed.id)
            assert await survivor.attempts(order) == [(key, "error"), (key, "captured")]
            assert len(survivor.journal(order, "capture")) == 1


async def test_a_process_stopped_in_mid_call_leaves_its_charge_to_the_next(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, role="api") as shop:
        shop.behave(slow_s=20, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        async with reopened(engines, prefix, shop.world, shop.database_url, psp_timeout_s=20.0) as first:
            await first.place(order)
            await until(lambda: first.journal(order, "capture"))
            assert (await first.payment(order))["status"] == "processing"
        async with reopened(engines, prefix, shop.world, shop.database_url) as second:
            await second.reaches(order, "captured")
            assert len(second.journal(order, "capture")) == 1


async def test_two_processes_on_one_database_charge_each_order_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, instance="payments-1") as shop:
        shop.behave(
            idempotency=False, timeout_after_success_rate=0.1, error_then_success_rate=0.1, slow_rate=0.05, slow_s=1,
            webhook_copies=3, webhook_before_response_rate=0.2, webhook_shuffle=True, seed=7,
        )  # fmt: skip
        async with reopened(engines, prefix, shop.world, shop.database_url, instance="payments-2"):
            orders = [an_order() for _ in range(40)]
            await shop.place(*orders)
            for order in orders:
                await shop.reaches(order, "captured")
            assert [len(shop.journal(order, "capture")) for order in orders] == [1] * 40
            assert [await shop.told(order) for order in orders] == [["payment.processed"]] * 40


def _breaker():
    return CircuitBreaker(Redis.from_url("redis://127.0.0.1:1/0"), "psp")


async def _placed_but_not_charged(shop, order):
    """Insert what the consumer would, in a fleet whose workers are down."""
    database = Database(shop.database_url, "test")
    await database.open()
    try:
        async with database.begin() as uow:
            await owe_payment(uow, envelope(order, order.order_id))
    finally:
        await database.close()


async def _claim(shop):
    database = Database(shop.database_url, "test")
    await database.open()
    try:
        async with database.begin() as uow:
            (claimed,) = await payments.WORK.claim(uow.connection, rows_max=1, lease_s=0.3)
            await payments.note_claim(uow.connection, [claimed.item])
    finally:
        await database.close()
    return claimed.item
