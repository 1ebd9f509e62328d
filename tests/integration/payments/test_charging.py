import pytest

from shared.identity import Principal
from tests.support.paying import CUSTOMER, an_order, psp_world, till
from tests.support.services import free_port, until

pytestmark = pytest.mark.service("payments")


async def test_an_order_is_charged_once_and_told(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        row = await shop.reaches(order, "captured")
        assert (row["captured_minor"], row["currency"]) == (8_999, "EUR")
        assert len(shop.journal(order, "capture")) == 1
        assert await shop.told(order) == ["payment.processed"]
        assert [outcome for _, outcome in await shop.attempts(order)] == ["captured"]
        # Whether the PSP's answer or its webhook came first is the network's to say.
        assert await shop.webhooks_applied() in (["applied"], ["known"])


@pytest.mark.parametrize("method", ["tok_declined", "tok_nobody_knows"])
async def test_a_declined_order_fails_and_nothing_is_captured(engines, prefix, tmp_path, method):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(method=method)
        await shop.place(order)
        row = await shop.reaches(order, "failed")
        assert row["captured_minor"] == 0
        assert await shop.told(order) == ["payment.failed"]
        assert shop.journal(order, "capture") == []
        assert [outcome for _, outcome in await shop.attempts(order)] == ["declined"]


async def test_a_rush_of_orders_is_charged_beside_each_other(engines, prefix, tmp_path):
    """One after another the slow answers alone would take far longer than the time allowed."""
    async with till(engines, prefix, tmp_path, psp_timeout_s=30.0, lease_s=60.0) as shop:
        shop.behave(slow_rate=0.4, slow_s=1.0, webhook_delay_s=60)
        orders = [an_order(total_minor=100 + number) for number in range(120)]
        await shop.place(*orders)

        async def all_captured():
            captured = await shop.connection.fetchval(
                "SELECT count(*) FROM audit.payments WHERE status = 'captured' AND captured_minor = amount_minor"
            )
            return captured == 120

        await until(all_captured, deadline_s=18)
        assert sum(len(shop.journal(order, "slowed")) for order in orders) >= 30
        rows = await shop.connection.fetch("SELECT * FROM audit.ledger WHERE currency = 'EUR'")
        followers = {row["previous_hash"]: row["entry_hash"] for row in rows}
        link, length = "0" * 64, 0
        while link in followers:
            link, length = followers[link], length + 1
        assert (len(rows), length) == (240, 240)


async def test_slow_answers_hold_up_nobody_else(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_timeout_s=60.0, lease_s=90.0) as shop:
        shop.behave(slow_s=60.0, webhook_delay_s=60)
        slow = [an_order(method="tok_slow") for _ in range(5)]
        quick = [an_order() for _ in range(30)]
        await shop.place(*slow, *quick)
        for order in quick:
            await shop.reaches(order, "captured")
        assert {(await shop.payment(order))["status"] for order in slow} == {"processing"}


async def test_a_psp_that_is_away_is_waited_for(engines, prefix, tmp_path):
    port = free_port()
    async with till(engines, prefix, tmp_path / "away", psp_url=f"http://127.0.0.1:{port}") as shop:
        order = an_order()
        await shop.place(order)

        async def tried():
            return "error" in [outcome for _, outcome in await shop.attempts(order)]

        await until(tried)
        async with psp_world(tmp_path / "back", psp_port=port) as world:
            await shop.reaches(order, "captured")
            assert len({key for key, _ in await shop.attempts(order)}) == 1
            assert world.psp.payments.moved["capture"] == 1


async def test_an_order_of_nothing_is_paid_without_the_psp(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(total_minor=0)
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert await shop.told(order) == ["payment.processed"]
        assert shop.journal(order, "authorise") == []


async def test_payments_are_shown_to_their_owner_and_to_staff_only(engines, prefix, tmp_path):
    owner = Principal(subject=str(CUSTOMER), roles=frozenset({"customer"}))
    stranger = Principal(subject="5b9e2c7e-3f0c-4f0e-9d2b-0a6f6f0f7a11", roles=frozenset({"customer"}))
    async with till(engines, prefix, tmp_path) as shop:
        orders = [an_order(), an_order()]
        await shop.place(*orders)
        payment_id = str((await shop.reaches(orders[0], "captured"))["id"])
        await shop.reaches(orders[1], "captured")
        status, body = await shop.service.call(
            "GET", f"/api/v1/payments?order_id={orders[0].order_id}", principal=owner
        )
        assert status == 200
        assert [item["id"] for item in body["items"]] == [payment_id]
        assert body["items"][0]["amount"] == {"amount": "89.99", "currency": "EUR"}
        _, page = await shop.service.call("GET", "/api/v1/payments?limit=1", principal=owner)
        _, rest = await shop.service.call(
            "GET", f"/api/v1/payments?limit=5&cursor={page['next_cursor']}", principal=owner
        )
        assert len({item["id"] for item in (*page["items"], *rest["items"])}) == 2
        assert rest["next_cursor"] is None
        _, body = await shop.service.call("GET", "/api/v1/payments", principal=stranger)
        assert body["items"] == []
        for path in (f"/api/v1/payments/{payment_id}", f"/api/v1/payments/{payment_id}/refunds"):
            status, body = await shop.service.call("GET", path, principal=stranger)
            assert (status, body["code"]) == (404, "unknown_payment")
        status, body = await shop.service.call("GET", f"/api/v1/payments/{payment_id}", principal=owner)
        assert (status, body["status"]) == (200, "captured")
        status, _ = await shop.service.call("GET", "/api/v1/payments", anonymous=True)
        assert status == 401
        status, _ = await shop.service.call("GET", "/internal/reconciliation", principal=owner)
        assert status == 403
