import asyncio
from uuid import uuid4

import pytest

from shared.identity import Principal
from svc.payments.domain import Declined, payment_id_of, refund_key
from tests.support.paying import CUSTOMER, an_order, reopened, till
from tests.support.services import until

pytestmark = pytest.mark.service("payments")

SUPPORT = Principal(subject="support-1", roles=frozenset({"support"}), kind="staff")


async def _paid(shop, **kwargs):
    order = an_order(**kwargs)
    await shop.place(order)
    await shop.reaches(order, "captured")
    return order


async def test_partial_refunds_add_up_to_what_was_captured_and_no_further(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await _paid(shop)
        status, body = await shop.refund(order, "30.00", principal=SUPPORT)
        assert (status, body["amount"], body["status"]) == (201, {"amount": "30.00", "currency": "EUR"}, "pending")
        await shop.refunds_done(order, 3_000)
        _, shown = await shop.service.call("GET", f"/api/v1/payments/{payment_id_of(order.order_id)}")
        assert (shown["status"], shown["refunds"][0]["status"]) == ("partially_refunded", "succeeded")
        status, body = await shop.refund(order, "60.00")
        assert (status, body["code"], body["refundable"]) == (409, "refund_exceeds_capture", "59.99")
        assert (await shop.refund(order))[0] == 201  # all that is left
        await shop.refunds_done(order, 8_999)
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [3_000, 5_999]
        assert await shop.told(order) == ["payment.processed", "payment.refunded", "payment.refunded"]
        status, body = await shop.refund(order, "0.01")
        assert (status, body["code"]) == (409, "refund_exceeds_capture")
        sums = await shop.connection.fetch("SELECT account, sum(amount_minor) FROM audit.ledger GROUP BY account")
        assert {row[1] for row in sums} == {0}


@pytest.mark.parametrize(
    ("currency", "total_minor", "part", "wrong"),
    [("JPY", 5_000, "1200", "12.5"), ("BHD", 12_345, "2.345", "2.3456"), ("EUR", 1_999, "9.99", "9.999")],
)
async def test_refunds_are_exact_in_every_currency(engines, prefix, tmp_path, currency, total_minor, part, wrong):
    async with till(engines, prefix, tmp_path) as shop:
        order = await _paid(shop, currency=currency, total_minor=total_minor)
        assert (await shop.refund(order, wrong))[0] == 422
        assert (await shop.refund(order, part))[0] == 201
        minor = int(part.replace(".", ""))
        await shop.refunds_done(order, minor)
        assert [(line.amount_minor, line.currency) for line in shop.journal(order, "refund")] == [(minor, currency)]


async def test_one_key_is_one_refund_and_one_answer(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await _paid(shop)
        answers = await asyncio.gather(*(shop.refund(order, "10.00", key="same") for _ in range(5)))
        done = [body for status, body in answers if status == 201]
        assert done
        assert len({body["id"] for body in done}) == 1
        assert all(body["code"] == "request_in_flight" for status, body in answers if status != 201)
        assert await shop.refund(order, "10.00", key="same") == (201, done[0])
        status, body = await shop.refund(order, "10.01", key="same")
        assert (status, body["code"]) == (422, "idempotency_key_reused")
        await shop.refunds_done(order, 1_000)
        assert len(shop.journal(order, "refund")) == 1
        refused = await shop.refund(order, "999.00", key="too much")
        assert refused[0] == 409
        assert await shop.refund(order, "999.00", key="too much") == refused


async def test_what_is_no_refund_is_refused(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await _paid(shop)
        path = f"/api/v1/payments/{payment_id_of(order.order_id)}/refunds"
        key = {"Idempotency-Key": "k"}
        customer = Principal(subject=str(CUSTOMER), roles=frozenset({"customer"}))
        eur = {"amount": "1.00", "currency": "EUR"}
        for body, headers, principal, expected in (
            ({"reason": "r"}, {}, None, (400, "idempotency_key_missing")),
            ({"reason": "r"}, key, customer, (403, "forbidden")),
            ({}, key, None, (400, "invalid_body")),
            ({"reason": "r", "extra": 1}, key, None, (400, "invalid_body")),
            ({"reason": "r", "amount": 1.0}, key, None, (400, "invalid_body")),
            ({"reason": "r", "amount": {**eur, "amount": 1}}, key, None, (400, "invalid_body")),
            ({"reason": "r", "amount": {**eur, "amount": "0.00"}}, key, None, (422, "invalid_refund_amount")),
            ({"reason": "r", "amount": {**eur, "amount": "-1.00"}}, key, None, (422, "invalid_refund_amount")),
            ({"reason": "r", "amount": {**eur, "currency": "USD"}}, key, None, (422, "currency_mismatch")),
        ):
            status, answer = await shop.service.call(
                "POST", path, json=body, headers={**headers, **({"Idempotency-Key": uuid4().hex} if headers else {})},
                principal=principal,
            )  # fmt: skip
            assert (status, answer["code"]) == expected, body
        status, answer = await shop.service.call(
            "POST", f"/api/v1/payments/{uuid4()}/refunds", json={"reason": "r"}, headers=key
        )
        assert (status, answer["code"]) == (404, "unknown_payment")
        declined = an_order(method="tok_declined")
        await shop.place(declined)
        await shop.reaches(declined, "failed")
        status, answer = await shop.refund(declined)
        assert (status, answer["code"]) == (409, "payment_not_captured")
        assert shop.journal(order, "refund") == []


@pytest.mark.parametrize("deduplicates", [True, False], ids=["psp-deduplicates", "psp-does-not"])
@pytest.mark.parametrize("fault", ["timeout_after_success_rate", "error_then_success_rate", "slow_rate"])
async def test_an_ambiguous_refund_pays_back_once(engines, prefix, tmp_path, fault, deduplicates):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(
            operations=("refund",), idempotency=deduplicates, webhook_delay_s=60, slow_s=2, hold_s=2, **{fault: 1.0}
        )
        order = await _paid(shop)
        await shop.refund(order, "45.99")
        await shop.refunds_done(order, 4_599)
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [4_599]
        assert await shop.told(order) == ["payment.processed", "payment.refunded"]


async def test_a_kill_between_refund_and_commit_pays_back_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, role="api") as shop:
        shop.behave(operations=("refund",), idempotency=False, slow_rate=1.0, slow_s=20, webhook_delay_s=60)
        async with reopened(engines, prefix, shop.world, shop.database_url, psp_timeout_s=20.0) as first:
            order = await _paid(first)
            _, refund = await first.refund(order)
            await until(lambda: first.journal(order, "refund"))
        async with reopened(engines, prefix, shop.world, shop.database_url) as second:
            await second.refunds_done(order, 8_999)
            (line,) = second.journal(order, "refund")
            assert line.idempotency_key == f"refund-{refund['id']}"
            assert refund_key(refund["id"]) == line.idempotency_key


async def test_refund_webhooks_change_nothing_twice(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(webhook_copies=3, webhook_before_response_rate=1.0, webhook_shuffle=True)
        order = await _paid(shop)
        await shop.refund(order, "20.00")
        await shop.refunds_done(order, 2_000)
        assert len(await shop.webhooks_applied()) == 2
        assert await shop.told(order) == ["payment.processed", "payment.refunded"]


async def test_a_refund_the_psp_refuses_frees_its_money(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = await _paid(shop)
        psp_id = (await shop.payment(order))["psp_payment_id"]
        async with shop.service.http.post(  # somebody refunded by hand at the PSP
            f"{shop.world.psp_url}/v1/payments/{psp_id}/refunds",
            json={"amount_minor": 8_999, "merchant_reference": "by-hand"},
        ) as answer:
            assert answer.status == 201
        _, refund = await shop.refund(order, "10.00")

        async def failed():
            _, shown = await shop.service.call("GET", f"/api/v1/refunds/{refund['id']}")
            return shown["status"] == "failed"

        await until(failed)
        row = await shop.connection.fetchrow("SELECT refund_reserved_minor, refunded_minor FROM payments")
        assert tuple(row) == (0, 0)


async def test_a_refund_that_the_psp_will_not_make_is_told_to_the_fleet(engines, prefix, tmp_path):
    async def declined(_psp, _refund):
        return Declined("refund_not_possible")

    async with till(engines, prefix, tmp_path, parts={"send_refund": declined}) as shop:
        order = await _paid(shop)
        assert (await shop.refund(order, "10.00"))[0] == 201

        async def failed():
            return (await shop.told(order))[1:]

        assert await until(failed) == ["payment.refund_failed"]
        assert (await shop.payment(order))["refunded_minor"] == 0
