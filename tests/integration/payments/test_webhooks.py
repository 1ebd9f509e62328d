import time
from uuid import uuid4

import msgspec
import pytest

from shared.webhook_signatures import sign
from svc.payments.domain import NOTHING, payment_id_of
from tests.support.paying import an_order, till
from tests.support.services import WEBHOOK_SECRET, until

pytestmark = pytest.mark.service("payments")

PATH = "/api/v1/webhooks/psp"


def a_webhook(order, *, amount_minor=None, currency=None, event_id=None, kind="payment.captured", psp_id="pay_x"):
    return msgspec.json.encode(
        {
            "id": event_id or f"evt_{uuid4().hex}",
            "type": kind,
            "created": int(time.time()),
            "data": {
                "payment_id": psp_id,
                "merchant_reference": str(order.order_id),
                "amount_minor": order.total_minor if amount_minor is None else amount_minor,
                "currency": currency or order.currency,
            },
        }
    )


async def send(shop, body, *, secret=WEBHOOK_SECRET, at=None, signature=None):
    headers = {"X-Signature": signature or sign(secret, body, at=int(time.time()) if at is None else at)}
    return await shop.service.call("POST", PATH, data=body, headers=headers, anonymous=True)


async def test_three_copies_shuffled_and_ahead_of_the_answer_capture_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        shop.behave(webhook_copies=3, webhook_before_response_rate=1.0, webhook_shuffle=True)
        orders = [an_order() for _ in range(10)]
        await shop.place(*orders)
        for order in orders:
            await shop.reaches(order, "captured")
        assert [await shop.told(order) for order in orders] == [["payment.processed"]] * 10
        assert len(await shop.webhooks_applied()) == 10
        assert await shop.connection.fetchval("SELECT count(*) FROM audit.ledger") == 20


async def test_a_webhook_settles_what_no_answer_did(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path, psp_timeout_s=60.0, lease_s=90.0) as shop:
        order = an_order(method="tok_timeout_after_success")
        await shop.place(order)
        await shop.reaches(order, "captured")
        assert await shop.webhooks_applied() == ["applied"]
        assert await shop.told(order) == ["payment.processed"]


async def test_only_webhooks_signed_lately_by_a_known_secret_are_stored(engines, prefix, tmp_path):
    secrets = ("new-secret-" + "n" * 24, WEBHOOK_SECRET)
    async with till(engines, prefix, tmp_path, webhook_secrets=secrets) as shop:
        order = an_order()
        body = a_webhook(order)
        now = int(time.time())
        for wrong in (
            {"secret": "another-secret-" + "x" * 24},
            {"at": now - 301},
            {"at": now + 310},
            {"signature": "v1=00"},
            {"signature": f"t={now}"},
            {"signature": f"t={now},v1=é"},
            {"signature": sign(WEBHOOK_SECRET, body + b" ", at=now)},
        ):
            status, answer = await send(shop, body, **wrong)
            assert (status, answer["code"]) == (401, "invalid_signature"), wrong
        status, _ = await shop.service.call("POST", PATH, data=body, anonymous=True)
        assert status == 401
        assert await shop.connection.fetchval("SELECT count(*) FROM audit.webhooks") == 0
        for secret in secrets:  # while a secret is rotated both are good
            assert await send(shop, a_webhook(order), secret=secret) == (200, {"received": True, "fresh": True})
        status, answer = await send(shop, b"{}")
        assert (status, answer["code"]) == (400, "invalid_webhook")


async def test_the_same_event_twice_is_stored_once(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        body = a_webhook(an_order())
        answers = [(await send(shop, body))[1]["fresh"] for _ in range(3)]
        assert answers == [True, False, False]
        assert await shop.webhooks_applied() == ["unknown_reference"]


@pytest.mark.parametrize(("amount_minor", "currency"), [(8_998, "EUR"), (8_999, "USD")])
async def test_another_amount_is_put_aside_for_review(engines, prefix, tmp_path, amount_minor, currency):
    """The honest charge of the same order goes through untouched."""
    async with till(engines, prefix, tmp_path, psp_timeout_s=3.0, lease_s=5.0) as shop:
        shop.behave(slow_s=1.0, webhook_delay_s=60)
        order = an_order(method="tok_slow")
        await shop.place(order)
        await until(lambda: shop.journal(order, "capture"))
        await send(shop, a_webhook(order, amount_minor=amount_minor, currency=currency))

        async def outcome():
            return await shop.connection.fetchval("SELECT outcome FROM audit.webhooks")

        assert await until(outcome) == "review"
        row = await shop.payment(order)
        assert (row["status"], row["captured_minor"]) == ("processing", 0)
        assert row["review"].startswith("amount_mismatch")
        row = await shop.reaches(order, "captured")
        assert row["captured_minor"] == 8_999


async def test_a_second_capture_is_never_booked_as_the_first(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.webhooks_applied()
        await send(shop, a_webhook(order, psp_id="pay_other"))
        assert (await shop.webhooks_applied())[1:] == ["review"]
        row = await shop.payment(order)
        assert (row["captured_minor"], row["review"]) == (8_999, "captured_twice: pay_other")
        assert await shop.told(order) == ["payment.processed"]


async def test_a_late_decline_does_not_undo_a_capture(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.webhooks_applied()
        await send(shop, a_webhook(order, kind="payment.declined"))
        await send(shop, a_webhook(order, kind="payment.something_new"))
        assert sorted((await shop.webhooks_applied())[1:]) == ["ignored", "known"]
        assert (await shop.payment(order))["status"] == "captured"


@pytest.mark.parametrize(
    "text", ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "4\\u0031\\u00311111111111111"]
)
async def test_a_card_number_in_any_body_is_refused(engines, prefix, tmp_path, text, caplog, capfd):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        body = f'{{"reason": "card {text}"}}'.encode()
        status, answer = await shop.service.call(
            "POST",
            f"/api/v1/payments/{payment_id_of(order.order_id)}/refunds",
            data=body,
            headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
        )
        assert (status, answer["code"]) == (422, "card_data_refused")
        status, answer = await send(shop, body)
        assert (status, answer["code"]) == (422, "card_data_refused")
    output = capfd.readouterr()
    assert text not in output.out + output.err + caplog.text


async def test_a_webhook_moves_a_refund_through_the_same_part_as_an_answer(engines, prefix, tmp_path):
    told = []

    async def note(_uow, refund_id, outcome, /, *, absence_grace_s):
        told.append((refund_id, outcome.amount_minor, absence_grace_s > 0))
        return NOTHING

    async with till(engines, prefix, tmp_path, parts={"apply_refund_outcome": note}) as shop:
        subject = an_order()
        await send(shop, a_webhook(subject, kind="refund.succeeded"))
        await until(lambda: told)
        assert told == [(subject.order_id, subject.total_minor, True)]
