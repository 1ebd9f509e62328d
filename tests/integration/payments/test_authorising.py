from datetime import UTC, datetime, timedelta

import pytest

from svc.payments.domain import payment_id_of
from tests.support.paying import an_order, till
from tests.support.services import until

pytestmark = pytest.mark.service("payments")

BY_HAND = {"capture_by_hand_from": ("50.00 EUR",)}


async def decided(shop, order, verb):
    return await shop.service.call("POST", f"/api/v1/payments/{payment_id_of(order.order_id)}/{verb}")


async def listed(shop):
    status, page = await shop.service.call("GET", "/api/v1/payments/authorisations")
    assert status == 200, page
    return [(item["payment_id"], item["status"]) for item in page["items"]]


async def reason_told(shop, order):
    return await shop.connection.fetchval(
        "SELECT payload::jsonb -> 'data' ->> 'reason' FROM outbox WHERE aggregate_id = $1 AND type = 'payment.failed'",
        str(payment_id_of(order.order_id)),
    )


async def held(shop, **more):
    order = an_order(**more)
    await shop.place(order)
    await shop.reaches(order, "authorised")
    return order


async def test_a_large_payment_is_held_until_staff_captures_it_and_a_small_one_is_captured_at_once(
    engines, prefix, tmp_path
):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        small = an_order(total_minor=4_999)
        elsewhere = an_order(currency="USD")
        await shop.place(small, elsewhere)
        order = await held(shop)
        await shop.reaches(small, "captured")
        await shop.reaches(elsewhere, "captured")
        row = await shop.payment(order)
        assert (row["captured_minor"], await shop.told(order)) == (0, [])
        assert not shop.journal(order, "capture")
        assert await listed(shop) == [(str(payment_id_of(order.order_id)), "held")]
        status, view = await decided(shop, order, "capture")
        assert (status, view["status"], view["amount"]) == (202, "capturing", {"amount": "89.99", "currency": "EUR"})
        await shop.reaches(order, "captured")
        assert (await decided(shop, order, "capture"))[1]["status"] == "captured"
        assert set(await shop.webhooks_applied()) <= {"applied", "known"}
        assert await shop.told(order) == ["payment.processed"]
        (line,) = shop.journal(order, "capture")
        assert (line.amount_minor, line.idempotency_key) == (8_999, f"capture-{payment_id_of(order.order_id)}")
        assert [row["outcome"] for row in await shop.connection.fetch("SELECT outcome FROM payment_attempts")] == (
            ["captured"] * 3
        )
        assert await shop.connection.fetchval("SELECT sum(amount_minor) FROM ledger_entries WHERE account='sales'") == (
            -4_999 - 2 * 8_999
        )
        assert await listed(shop) == []


async def test_what_is_voided_is_never_captured_and_ends_as_failed(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        order = await held(shop)
        assert [(await decided(shop, order, "void"))[0] for _ in range(2)] == [202, 202]
        await shop.reaches(order, "cancelled")
        status, problem = await decided(shop, order, "capture")
        assert (status, problem["code"]) == (409, "authorisation_decided")
        assert await shop.told(order) == ["payment.failed"]
        assert await reason_told(shop, order) == "voided"
        assert [line.kind for line in shop.journal(order, "void", "capture")] == ["void"]
        assert await shop.connection.fetchval("SELECT count(*) FROM ledger_entries") == 0


async def test_an_authorisation_whose_time_is_over_is_let_go_by_itself(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        shop.behave(authorisation_s=1.0)
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "cancelled")
        assert await reason_told(shop, order) == "expired"
        assert [line.kind for line in shop.journal(order, "void")] == ["void"]


async def test_a_cancelled_order_lets_go_of_what_is_held(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        order = await held(shop)
        await shop.cancel(order)
        await shop.reaches(order, "cancelled")
        assert await reason_told(shop, order) == "cancelled"
        assert not shop.journal(order, "capture", "refund")


async def test_a_cancellation_while_the_authorisation_is_under_way_lets_it_go_when_it_comes(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_timeout_s=3.0, lease_s=5.0, **BY_HAND) as shop:
        shop.behave(slow_s=1.0, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        await shop.place(order)
        await until(lambda: shop.journal(order, "authorise"))
        await shop.cancel(order)
        await shop.reaches(order, "cancelled")
        await until(lambda: shop.journal(order, "void"))
        assert await shop.told(order) == ["payment.failed"]


@pytest.mark.parametrize("fault", ["timeout_after_success_rate", "error_then_success_rate"])
@pytest.mark.parametrize("verb", ["capture", "void"])
async def test_an_ambiguous_end_is_asked_about_and_happens_once(engines, prefix, tmp_path, verb, fault):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        order = await held(shop)
        shop.behave(operations=(verb,), webhook_delay_s=60, hold_s=2.0, **{fault: 1.0})
        await decided(shop, order, verb)
        await shop.reaches(order, "captured" if verb == "capture" else "cancelled")
        lines = shop.journal(order, verb, "error", "withheld")
        assert [line.kind for line in lines].count(verb) == 1
        assert {line.idempotency_key for line in lines} == {f"{verb}-{payment_id_of(order.order_id)}"}


async def test_an_authorisation_told_by_webhook_alone_is_held_and_late_copies_change_nothing(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        shop.behave(webhook_before_response_rate=1.0, webhook_copies=3, webhook_shuffle=True)
        order = await held(shop, method="tok_timeout_after_success")
        await decided(shop, order, "capture")
        await shop.reaches(order, "captured")
        outcomes = await shop.webhooks_applied()
        assert "review" not in outcomes
        assert await shop.told(order) == ["payment.processed"]
        assert (await shop.payment(order))["review"] is None


async def test_an_authorisation_that_ended_at_the_psp_cannot_be_captured_any_more(engines, prefix, tmp_path):
    """Ours is told to last longer than the PSP's, as with clocks that differ."""
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        order = await held(shop)
        (payment,) = shop.world.psp.payments.of_reference(str(order.order_id))
        payment.authorised_until = 1
        await decided(shop, order, "capture")
        await shop.reaches(order, "cancelled")
        assert not shop.journal(order, "capture")
        assert await shop.told(order) == ["payment.failed"]


async def test_what_was_captured_at_once_or_nobody_knows_is_neither_captured_nor_voided(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        for verb in ("capture", "void"):
            status, problem = await decided(shop, order, verb)
            assert (status, problem["code"], problem["state"]) == (409, "payment_not_authorised", "captured")
            assert (await decided(shop, an_order(), verb))[1]["code"] == "unknown_payment"


async def test_the_database_takes_no_capture_above_what_is_held(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, **BY_HAND) as shop:
        order = await held(shop)
        with pytest.raises(Exception, match="capture_within_authorisation"):
            await shop.connection.execute("UPDATE authorisations SET status = 'captured', captured_minor = 9000")
        row = await shop.connection.fetchrow("SELECT * FROM audit.authorisations")
        assert row["order_id"] == order.order_id
        assert timedelta(days=6) < row["expires_at"] - datetime.now(UTC) <= timedelta(days=7)
