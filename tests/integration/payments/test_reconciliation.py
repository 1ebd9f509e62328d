import pytest

from shared.jobs_queue import JobBoard, JobQueue
from svc.payments.domain import payment_id_of
from svc.payments.jobs import RECONCILE
from tests.support.paying import an_order, till
from tests.support.services import until

pytestmark = pytest.mark.service("payments")


async def _books(shop):
    status, body = await shop.service.call("GET", "/internal/reconciliation")
    assert status == 200, body
    return body


async def charged_again(shop, order):
    """Somebody captures the order at the PSP once more; the id of that payment there."""
    async with shop.service.http.post(
        f"{shop.world.psp_url}/v1/payments",
        json={
            "merchant_reference": str(order.order_id), "amount_minor": 8_999, "currency": "EUR",
            "payment_method": "tok_visa",
        },
        headers={"Idempotency-Key": "a-new-key"},
    ) as answer:  # fmt: skip
        return (await answer.json())["id"]


async def test_equal_books_show_no_difference(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        orders = [an_order(), an_order(currency="JPY"), an_order(method="tok_declined")]
        await shop.place(*orders)
        await shop.reaches(orders[0], "captured")
        await shop.reaches(orders[1], "captured")
        await shop.reaches(orders[2], "failed")
        await shop.refund(orders[0], "10.00")
        await shop.refunds_done(orders[0], 1_000)
        body = await _books(shop)
        assert (body["compared"], body["in_flight"], body["complete"]) == (3, 0, True)
        assert (body["differences"], body["difference_minor"]) == ([], {})


async def test_the_daily_reconciliation_is_a_job_that_keeps_its_report(engines, prefix, tmp_path):
    path = "/internal/reconciliation/latest"
    async with (
        till(engines, prefix, tmp_path) as shop,
        JobBoard(engines.redis, prefix=prefix, services=["payments"]) as board,
    ):
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        (row,) = await until(board.rows)
        assert (row.kind, row.state, row.is_open) == ("reconcile", "scheduled", False)
        status, body = await shop.service.call("GET", path)
        assert (status, body["code"]) == (404, "not_reconciled")
        queue = JobQueue(engines.redis, prefix=prefix, service="payments")
        await queue.open()
        try:
            assert await queue.enqueue(RECONCILE)
        finally:
            await queue.close()

        async def kept():
            status, body = await shop.service.call("GET", path)
            return body if status == 200 else None

        latest = await until(kept)
        assert latest["report"] == await _books(shop)
        status, page = await shop.service.call("GET", "/api/v1/reconciliations")
        (summary,) = page["items"]
        assert (status, summary["compared"], summary["differences"], summary["complete"]) == (200, 1, 0, True)
        assert await shop.service.call("GET", f"/api/v1/reconciliations/{summary['id']}") == (200, latest)
        status, body = await shop.service.call("GET", f"/api/v1/reconciliations/{order.order_id}")
        assert (status, body["code"]) == (404, "not_reconciled")


async def test_the_reports_have_pages_the_newest_first_and_old_ones_are_still_read(engines, prefix, tmp_path):
    old = '{"compared": 7, "in_flight": 0, "complete": true, "difference_minor": {}, "differences": [], "reviews": []}'
    async with till(engines, prefix, tmp_path) as shop:
        await shop.connection.execute(
            "INSERT INTO reconciliations (at, report) SELECT now() - n * interval '1 day', $1::text::jsonb "
            "FROM generate_series(1, 5) n",
            old,
        )
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await shop.service.call("GET", f"/api/v1/reconciliations?limit=2{cursor}")
            seen += page["items"]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        days = [item["at"] for item in seen]
        assert (len(seen), days) == (5, sorted(days, reverse=True))
        _, shown = await shop.service.call("GET", f"/api/v1/reconciliations/{seen[0]['id']}")
        assert (shown["report"]["compared"], shown["report"]["plan"]) == (7, [])


async def test_a_second_capture_is_found_and_given_back_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        second = await charged_again(shop, order)
        body = await _books(shop)
        (difference,) = body["differences"]
        assert (difference["kind"], difference["repair"]) == ("captured_twice", "return_duplicate")
        assert (difference["psp_captured_minor"], difference["captured_minor"]) == (17_998, 8_999)
        assert body["difference_minor"] == {"EUR": 8_999}
        own, extra = difference["psp_payment_ids"]
        assert extra == second
        (step,) = body["plan"]
        assert (step["step"], step["psp_payment_id"], step["amount_minor"]) == ("return_duplicate", extra, 8_999)
        assert step["request"] == f"POST /internal/payments/{order.order_id}/duplicates"
        path = f"/internal/payments/{order.order_id}/duplicates"
        answers = [await shop.service.call("POST", path, json={"psp_payment_id": extra}) for _ in range(2)]
        assert [status for status, _ in answers] == [200, 200]
        assert answers[0][1]["id"] == answers[1][1]["id"]
        await shop.refunds_done(order, 8_999)
        status, body = await shop.service.call("POST", path, json={"psp_payment_id": own})
        assert (status, body["code"]) == (409, "not_a_duplicate")
        body = await _books(shop)
        assert (body["differences"], body["difference_minor"]) == ([], {})
        assert [line.payment_id for line in shop.journal(order, "refund")] == [extra]
        row = await shop.payment(order)
        assert (row["captured_minor"], row["refunded_minor"]) == (17_998, 8_999)


async def test_a_duplicate_that_went_back_is_nobodys_to_review_however_often_it_is_told(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        extra = await charged_again(shop, order)

        async def reviewed():
            return (await _books(shop))["reviews"]

        (review,) = await until(reviewed)
        assert review == {"order_id": str(order.order_id), "reason": f"captured_twice: {extra}"}
        path = f"/internal/payments/{order.order_id}/duplicates"
        await shop.service.call("POST", path, json={"psp_payment_id": extra})
        await shop.refunds_done(order, 8_999)
        await shop.connection.execute("TRUNCATE webhooks")  # its copies are news
        async with shop.service.http.post(
            f"{shop.world.psp_url}/control/resend?merchant_reference={order.order_id}"
        ) as answer:
            assert (answer.status, (await answer.json())["webhooks"]) == (202, 2)

        async def applied_again():
            rows = await shop.connection.fetch("SELECT outcome FROM webhooks WHERE applied_at IS NOT NULL")
            return [row["outcome"] for row in rows] if len(rows) == 2 else None

        assert await until(applied_again) == ["known", "known"]
        assert (await _books(shop))["reviews"] == []


async def test_an_order_whose_duplicate_went_back_is_not_a_refunded_one(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        extra = await charged_again(shop, order)
        path = f"/internal/payments/{order.order_id}/duplicates"
        await shop.service.call("POST", path, json={"psp_payment_id": extra})
        await shop.refunds_done(order, 8_999)
        assert await shop.told(order) == ["payment.processed", "payment.duplicate_returned"]
        _, shown = await shop.service.call("GET", f"/api/v1/payments/{payment_id_of(order.order_id)}")
        assert (shown["status"], shown["refunded"]["amount"]) == ("captured", "0.00")
        await shop.refund(order, "9.99")
        await shop.refunds_done(order, 9_998)
        told = await shop.connection.fetchval(
            "SELECT payload::jsonb -> 'data' ->> 'refunded_minor' FROM outbox ORDER BY aggregate_version DESC LIMIT 1"
        )
        assert told == "999"
        kinds = await shop.connection.fetch("SELECT DISTINCT kind FROM audit.ledger ORDER BY kind")
        assert [row["kind"] for row in kinds] == ["capture", "capture_duplicate", "refund", "refund_duplicate"]
