import json
import time
from uuid import uuid4

import pytest

from shared import webhook_signatures
from svc.payments.domain import payment_id_of
from tests.support.paying import an_order, till
from tests.support.services import WEBHOOK_SECRET, until

pytestmark = pytest.mark.service("payments")


async def opened(shop, order, **wish):
    """A customer goes to the bank; the PSP's id of the dispute."""
    (payment,) = shop.world.psp.payments.of_reference(str(order.order_id))
    url = f"{shop.world.psp_url}/control/disputes"
    async with shop.service.http.post(url, json={"payment_id": payment.id, **wish}) as answer:
        assert answer.status == 201, await answer.text()
        return (await answer.json())["id"]


async def closed(shop, dispute_id, status):
    url = f"{shop.world.psp_url}/control/disputes/{dispute_id}"
    async with shop.service.http.post(url, json={"status": status}) as answer:
        assert answer.status == 200, await answer.text()


async def tell(shop, order, status, *, dispute_id="dsp_x", amount_minor=None, currency="EUR", psp_id="pay_1"):
    """A webhook of the PSP about a dispute, with an event id of its own."""
    data = {
        "payment_id": psp_id, "merchant_reference": str(order.order_id), "currency": currency,
        "amount_minor": order.total_minor if amount_minor is None else amount_minor,
        "dispute_id": dispute_id, "reason": "fraudulent",
    }  # fmt: skip
    body = json.dumps({"id": uuid4().hex, "type": f"dispute.{status}", "created": 1, "data": data}).encode()
    header = webhook_signatures.sign(WEBHOOK_SECRET, body, at=int(time.time()))
    return await shop.service.call(
        "POST", "/api/v1/webhooks/psp", data=body, headers={webhook_signatures.HEADER: header}, anonymous=True
    )


async def paid(shop, **more):
    order = an_order(**more)
    await shop.place(order)
    await shop.reaches(order, "captured")
    return order


async def disputes(shop, query=""):
    status, page = await shop.service.call("GET", "/api/v1/disputes" + query)
    assert status == 200, page
    return [(item["order_id"], item["amount"]["amount"], item["status"]) for item in page["items"]]


async def balances(shop):
    rows = await shop.connection.fetch("SELECT account, sum(amount_minor) AS sum FROM audit.ledger GROUP BY account")
    return {row["account"]: row["sum"] for row in rows if row["sum"]}


ENDS = {
    "won": {"psp_receivable": 8_999, "sales": -8_999},
    "lost": {"chargebacks": 8_999, "sales": -8_999},
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_dispute_withholds_the_money_until_it_is_decided(engines, prefix, tmp_path, end):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        shop.behave(webhook_copies=3)
        dispute_id = await opened(shop, order, reason="product_not_received")
        assert set(await shop.webhooks_applied()) <= {"applied", "known"}
        assert await balances(shop) == {"disputed": 8_999, "sales": -8_999}
        assert await disputes(shop, "?status=opened") == [(str(order.order_id), "89.99", "opened")]
        await closed(shop, dispute_id, end)
        await shop.webhooks_applied()
        assert await balances(shop) == ENDS[end]
        assert await disputes(shop) == [(str(order.order_id), "89.99", end)]
        assert await disputes(shop, "?status=opened") == []
        told = await shop.connection.fetch(
            "SELECT payload::jsonb -> 'data' AS data FROM outbox WHERE type = 'payment.disputed' "
            "ORDER BY aggregate_version"
        )
        facts = [json.loads(row["data"]) for row in told]
        assert [(fact["status"], fact["reason"]) for fact in facts] == (
            [("opened", "product_not_received"), (end, "product_not_received")]
        )
        _, books = await shop.service.call("GET", "/internal/reconciliation")
        assert (books["differences"], books["plan"]) == ([], [])


@pytest.mark.parametrize(
    "order_of_events", [("opened", "lost", "opened"), ("lost", "opened", "lost"), ("lost", "lost", "opened")]
)
async def test_the_order_and_the_number_of_the_webhooks_change_nothing(engines, prefix, tmp_path, order_of_events):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        psp_id = (await shop.payment(order))["psp_payment_id"]
        for status in order_of_events:
            assert (await tell(shop, order, status, psp_id=psp_id))[0] == 200
            await shop.webhooks_applied()
        assert await balances(shop) == ENDS["lost"]
        assert await shop.told(order) == ["payment.processed", "payment.disputed", "payment.disputed"]


async def test_a_dispute_told_before_the_capture_is_believed(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_timeout_s=3.0, lease_s=5.0) as shop:
        shop.behave(slow_s=1.0, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        await shop.place(order)
        (capture,) = await until(lambda: shop.journal(order, "capture"))
        await tell(shop, order, "opened", psp_id=capture.payment_id)
        await shop.reaches(order, "captured")
        assert await balances(shop) == {"disputed": 8_999, "sales": -8_999}
        assert (await shop.payment(order))["review"] is None


@pytest.mark.parametrize(
    "wish",
    [{"amount_minor": 9_000}, {"amount_minor": 0}, {"currency": "USD"}, {"psp_id": "pay_of_nobody"}],
    ids=["of more", "of nothing", "in other money", "of another payment"],
)
async def test_a_dispute_that_cannot_be_is_looked_at_and_moves_nothing(engines, prefix, tmp_path, wish):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        await shop.webhooks_applied()
        await tell(shop, order, "opened", **{"psp_id": (await shop.payment(order))["psp_payment_id"], **wish})
        assert (await shop.webhooks_applied())[1:] == ["review"]
        assert (await shop.payment(order))["review"] == "dispute_unexpected: dsp_x"
        assert (await balances(shop), await disputes(shop)) == ({"psp_receivable": 8_999, "sales": -8_999}, [])


async def test_what_was_lost_is_not_won_afterwards(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        psp_id = (await shop.payment(order))["psp_payment_id"]
        for status in ("lost", "won"):
            await tell(shop, order, status, psp_id=psp_id)
            outcomes = await shop.webhooks_applied()
        assert outcomes[-1] == "review"
        assert await balances(shop) == ENDS["lost"]


async def test_what_is_disputed_is_not_refunded_besides(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        await opened(shop, order, amount_minor=8_000)
        await shop.webhooks_applied()
        status, problem = await shop.refund(order, "10.00")
        assert (status, problem["code"], problem["refundable"]) == (409, "refund_exceeds_capture", "9.99")
        await shop.refund(order)
        await shop.refunds_done(order, 999)


async def test_a_cancelled_order_gives_back_what_its_dispute_did_not_take(engines, prefix, tmp_path):
    """All of it in the end: the rest at once, the disputed part when it is won."""
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        dispute_id = await opened(shop, order, amount_minor=8_000)
        await shop.webhooks_applied()
        await shop.cancel(order)
        await shop.refunds_done(order, 999)
        await closed(shop, dispute_id, "won")
        await shop.refunds_done(order, 8_999)
        assert await balances(shop) == {}


async def test_a_dispute_that_no_webhook_told_is_planned_for_and_applied_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await paid(shop)
        shop.behave(webhook_delay_s=600)
        await opened(shop, order)
        _, books = await shop.service.call("GET", "/internal/reconciliation")
        (difference,) = books["differences"]
        assert (difference["kind"], difference["psp_disputed_minor"]) == ("dispute_not_booked", 8_999)
        (step,) = books["plan"]
        path = f"/internal/payments/{order.order_id}/disputes"
        assert (step["step"], step["request"], step["amount_minor"]) == ("apply_disputes", f"POST {path}", 8_999)
        answers = [await shop.service.call("POST", path) for _ in range(2)]
        assert answers == [(200, {"applied": 1}), (200, {"applied": 0})]
        _, books = await shop.service.call("GET", "/internal/reconciliation")
        assert (books["differences"], books["plan"]) == ([], [])


async def test_the_list_of_disputes_has_pages(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        orders = [await paid(shop) for _ in range(3)]
        for order in orders:
            await opened(shop, order)
        await shop.webhooks_applied()
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await shop.service.call("GET", f"/api/v1/disputes?limit=2{cursor}")
            seen += [item["payment_id"] for item in page["items"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        assert sorted(seen) == sorted(str(payment_id_of(order.order_id)) for order in orders)
