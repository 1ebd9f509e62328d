import asyncio
import hashlib
import hmac
import time

import aiohttp
import pytest

from scenarios.world.journals import read_journals
from tests.support.world import behave, call, pay, receiver, running_world, until


def psp_lines(folder, *kinds):
    return [line for line in read_journals(folder).psp if line.kind in kinds]


async def test_a_payment_is_captured_and_journalled_before_it_is_answered(tmp_path):
    async with running_world(tmp_path) as world:
        payment = await pay(world, "o1", amount=1_234)
        lines = psp_lines(tmp_path, "authorise", "capture")
    assert payment["status"] == "captured"
    assert [(line.kind, line.payment_id, line.amount_minor) for line in lines] == [
        ("authorise", payment["id"], 1_234),
        ("capture", payment["id"], 1_234),
    ]
    assert lines[1].merchant_reference == "o1"


async def test_the_same_key_is_answered_again_and_charged_once(tmp_path):
    async with running_world(tmp_path) as world:
        payments = await asyncio.gather(*(pay(world, "o1", key="k") for _ in range(20)))
        captures = psp_lines(tmp_path, "capture")
        replays = psp_lines(tmp_path, "replayed")
    assert len({payment["id"] for payment in payments}) == 1
    assert len(captures) == 1
    assert len(replays) == 19


async def test_the_same_key_with_another_request_is_refused(tmp_path):
    async with running_world(tmp_path) as world:
        await pay(world, "o1", key="k")
        refusal = await pay(world, "o1", key="k", amount=1, expect=422)
    assert refusal["error"]["code"] == "idempotency_key_reused"


async def test_a_new_key_charges_again(tmp_path):
    async with running_world(tmp_path) as world:
        await pay(world, "o1", key="k1")
        await pay(world, "o1", key="k2")
        url = f"{world.psp_url}/v1/payments?merchant_reference=o1"
        _, found = await call(world, "GET", url, expect=200)
    assert len(found["items"]) == 2


async def test_without_idempotency_a_repeated_key_charges_twice(tmp_path):
    async with running_world(tmp_path) as world:
        await behave(world, idempotency=False)
        await pay(world, "o1", key="k")
        await pay(world, "o1", key="k")
        assert len(psp_lines(tmp_path, "capture")) == 2


async def test_a_declined_card_moves_no_money(tmp_path):
    async with running_world(tmp_path) as world:
        payment = await pay(world, method="tok_declined")
        assert (payment["status"], payment["decline_code"]) == ("declined", "card_declined")
        assert psp_lines(tmp_path, "capture") == []
        assert len(psp_lines(tmp_path, "decline")) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"payment_method": "4111111111111111"}, 422),
        ({"amount_minor": 0}, 400),
        ({"amount_minor": 12.5}, 400),
        ({"currency": "eur"}, 400),
        ({"merchant_reference": ""}, 400),
    ],
)
async def test_what_is_no_payment_is_refused_and_leaves_no_line(tmp_path, change, status):
    async with running_world(tmp_path) as world:
        await pay(world, expect=status, **change)
        assert read_journals(tmp_path).psp == []


async def test_a_timeout_after_success_charged_although_nobody_was_told(tmp_path):
    async with running_world(tmp_path) as world:
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.3):
                await pay(world, "o1", key="k", method="tok_timeout_after_success")
        assert len(psp_lines(tmp_path, "capture")) == 1
        assert len(psp_lines(tmp_path, "withheld")) == 1
        url = f"{world.psp_url}/v1/payments?merchant_reference=o1"
        _, found = await call(world, "GET", url, expect=200)
        assert [item["status"] for item in found["items"]] == ["captured"]
        again = await pay(world, "o1", key="k", method="tok_timeout_after_success")
        assert again["id"] == found["items"][0]["id"]
        assert len(psp_lines(tmp_path, "capture")) == 1


async def test_a_withheld_answer_ends_with_a_closed_connection(tmp_path):
    async with running_world(tmp_path) as world:
        await behave(world, timeout_after_success_rate=1.0, hold_s=0.05)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await pay(world)


async def test_an_error_comes_before_any_effect_and_the_retry_succeeds(tmp_path):
    async with running_world(tmp_path) as world:
        await pay(world, "o1", key="k", method="tok_error_then_success", expect=500)
        assert psp_lines(tmp_path, "capture") == []
        payment = await pay(world, "o1", key="k", method="tok_error_then_success")
        assert payment["status"] == "captured"


async def test_a_slow_answer_is_late_but_the_money_moved_at_once(tmp_path):
    async with running_world(tmp_path) as world:
        await behave(world, slow_s=0.4)
        started = time.monotonic()
        waiting = asyncio.create_task(pay(world, method="tok_slow"))
        await until(lambda: psp_lines(tmp_path, "capture"), "the capture")
        assert time.monotonic() - started < 0.3
        await waiting
        assert time.monotonic() - started >= 0.4


async def test_authorise_then_capture_or_void(tmp_path):
    async with running_world(tmp_path) as world:
        first = await pay(world, "o1", capture=False)
        second = await pay(world, "o2", capture=False)
        assert first["status"] == "authorised"
        url = f"{world.psp_url}/v1/payments"
        _, captured = await call(world, "POST", f"{url}/{first['id']}/capture", expect=200)
        assert (captured["status"], captured["captured_minor"]) == ("captured", 5_999)
        await call(world, "POST", f"{url}/{first['id']}/capture", expect=200)
        _, voided = await call(world, "POST", f"{url}/{second['id']}/void", expect=200)
        assert voided["status"] == "voided"
        await call(world, "POST", f"{url}/{second['id']}/capture", expect=409)
        await call(world, "POST", f"{url}/{first['id']}/void", expect=409)
        assert [line.payment_id for line in psp_lines(tmp_path, "capture")] == [first["id"]]


async def test_a_capture_and_a_void_apart_are_done_once_per_key_whatever_became_of_the_answer(tmp_path):
    async with running_world(tmp_path) as world:
        url = f"{world.psp_url}/v1/payments"
        for verb, ended in (("capture", "captured"), ("void", "voided")):
            held = await pay(world, verb, capture=False)
            await behave(world, operations=[verb], timeout_after_success_rate=1.0, hold_s=0.05)
            headers = {"Idempotency-Key": f"{verb}-1"}
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await call(world, "POST", f"{url}/{held['id']}/{verb}", headers=headers)
            _, again = await call(world, "POST", f"{url}/{held['id']}/{verb}", headers=headers, expect=200)
            assert (again["id"], again["status"]) == (held["id"], ended)
            (line,) = psp_lines(tmp_path, verb)
            assert (line.operation, line.idempotency_key) == (verb, f"{verb}-1")
        _, reused = await call(
            world, "POST", f"{url}/{held['id']}/void", headers={"Idempotency-Key": "capture-1"}, expect=422
        )
        assert reused["error"]["code"] == "idempotency_key_reused"
        assert [line.operation for line in psp_lines(tmp_path, "replayed")] == ["capture", "void"]
    async with running_world(tmp_path) as world:  # a restart remembers
        (held,) = world.psp.payments.of_reference("void")
        assert held.status == "voided"
        await call(world, "POST", f"{world.psp_url}/v1/payments/{held.id}/void", headers=headers, expect=200)


async def test_what_is_held_is_let_go_when_its_time_is_over(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await behave(world, authorisation_s=0)
        held = await pay(world, "o1", capture=False)
        assert abs(held["authorised_until"] - time.time()) < 5
        _, refusal = await call(world, "POST", f"{world.psp_url}/v1/payments/{held['id']}/capture", expect=409)
        assert refusal["error"]["code"] == "not_capturable"
        await until(lambda: len(merchant.requests) == 2, "both webhooks")
        assert sorted(body["type"] for body in merchant.bodies) == ["payment.authorised", "payment.expired"]


async def test_a_dispute_is_opened_and_decided_once_and_told(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        payment = await pay(world, "o1")
        url = f"{world.psp_url}/control/disputes"
        await call(world, "POST", url, json={"payment_id": payment["id"], "amount_minor": 6_000}, expect=409)
        _, dispute = await call(world, "POST", url, json={"payment_id": payment["id"]}, expect=201)
        await call(world, "POST", f"{url}/{dispute['id']}", json={"status": "won"}, expect=200)
        await call(world, "POST", f"{url}/{dispute['id']}", json={"status": "lost"}, expect=409)
        _, shown = await call(world, "GET", f"{world.psp_url}/v1/payments/{payment['id']}", expect=200)
        assert [(one["status"], one["amount_minor"]) for one in shown["disputes"]] == [("won", 5_999)]
        await until(lambda: len(merchant.requests) == 3, "the webhooks")
        told = {body["type"]: body["data"] for body in merchant.bodies}
        assert told["dispute.won"]["dispute_id"] == told["dispute.opened"]["dispute_id"] == dispute["id"]
        assert told["dispute.opened"]["reason"] == "fraudulent"
    async with running_world(tmp_path) as world:
        assert [one.status for one in world.psp.payments.by_id[payment["id"]].disputes] == ["won"]


async def test_a_token_tells_brand_and_last_digits(tmp_path):
    async with running_world(tmp_path) as world:
        url = f"{world.psp_url}/v1/payment-methods"
        _, card = await call(world, "GET", f"{url}/tok_mastercard", expect=200)
        assert card == {"token": "tok_mastercard", "brand": "mastercard", "last4": "4444"}
        await call(world, "GET", f"{url}/4111111111111111", expect=404)


async def refund(world, payment, amount, reference, *, expect=201):
    return await call(
        world,
        "POST",
        f"{world.psp_url}/v1/payments/{payment['id']}/refunds",
        json={"amount_minor": amount, "merchant_reference": reference},
        headers={"Idempotency-Key": f"refund-{reference}"},
        expect=expect,
    )


async def test_refunds_never_pass_the_captured_sum(tmp_path):
    async with running_world(tmp_path) as world:
        payment = await pay(world, "o1", amount=1_000)
        answers = await asyncio.gather(*(refund(world, payment, 300, f"r{i}", expect=None) for i in range(20)))
        assert sorted(status for status, _ in answers) == [201] * 3 + [422] * 17
        assert sum(line.amount_minor for line in psp_lines(tmp_path, "refund")) == 900
        await refund(world, payment, 100, "rest")
        url = f"{world.psp_url}/v1/refunds?merchant_reference=rest"
        _, found = await call(world, "GET", url, expect=200)
        assert found["items"][0]["amount_minor"] == 100


async def test_a_repeated_refund_pays_once(tmp_path):
    async with running_world(tmp_path) as world:
        payment = await pay(world, "o1", amount=1_000)
        _, first = await refund(world, payment, 300, "r1")
        _, again = await refund(world, payment, 300, "r1")
        assert first["id"] == again["id"]
        lines = psp_lines(tmp_path, "refund")
        assert [(line.merchant_reference, line.payment_reference) for line in lines] == [("r1", "o1")]


async def test_webhooks_are_signed_over_the_raw_body_and_carry_the_trace(tmp_path):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url, webhook_secret="s3") as world:
        await call(
            world,
            "POST",
            f"{world.psp_url}/v1/payments",
            json={
                "merchant_reference": "o1",
                "amount_minor": 100,
                "currency": "EUR",
                "payment_method": "tok_visa",
            },
            headers={"traceparent": trace},
            expect=201,
        )
        await until(lambda: merchant.requests, "the webhook")
        path, body, raw, headers = merchant.requests[0]
        await until(lambda: psp_lines(tmp_path, "webhook_sent"), "its line")
    assert path == "/api/v1/webhooks/psp"
    assert (body["type"], body["data"]["merchant_reference"]) == ("payment.captured", "o1")
    stamp, digest = headers["X-Signature"].removeprefix("t=").split(",v1=")
    assert hmac.new(b"s3", f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest() == digest
    assert abs(int(stamp) - time.time()) < 5
    assert headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert psp_lines(tmp_path, "capture")[0].trace_id == trace.split("-")[1]


async def test_webhooks_are_copied_with_one_id(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await behave(world, webhook_copies=3, webhook_shuffle=True)
        await pay(world, "o1")
        await until(lambda: len(merchant.requests) == 3, "three copies")
        assert len({body["id"] for body in merchant.bodies}) == 1
        await until(lambda: len(psp_lines(tmp_path, "webhook_sent")) == 3, "three lines")


async def test_shuffled_webhooks_arrive_in_another_order(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await behave(world, webhook_shuffle=True, seed=5)
        for i in range(12):
            await pay(world, f"o{i:02}")
        await until(lambda: len(merchant.requests) == 12, "all webhooks")
        arrived = [body["data"]["merchant_reference"] for body in merchant.bodies]
    assert arrived != sorted(arrived)


async def test_webhooks_are_retried_until_the_merchant_says_yes(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        merchant.statuses = [503, 500]
        await pay(world, "o1")
        await until(lambda: len(merchant.requests) == 3, "the third attempt")
        await until(lambda: psp_lines(tmp_path, "webhook_sent"), "its line")
        assert [line.answer_status for line in psp_lines(tmp_path, "webhook_failed")] == [503, 500]
        _, stats = await call(world, "GET", f"{world.psp_url}/control/stats", expect=200)
    assert (stats["webhooks_pending"], stats["webhooks_sent"], stats["webhooks_failed"]) == (0, 1, 2)
    assert stats["counts"]["capture"] == 1


async def test_a_webhook_can_arrive_before_the_answer(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await behave(world, webhook_before_response_rate=1.0)
        await pay(world, "o1")
        assert merchant.types() == ["payment.captured"]
        assert psp_lines(tmp_path, "webhook_sent")[0].early


async def test_a_delayed_webhook_waits(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await behave(world, webhook_delay_s=0.4)
        started = time.monotonic()
        await pay(world, "o1")
        await until(lambda: merchant.requests, "the webhook")
        assert time.monotonic() - started >= 0.4


async def test_webhooks_can_be_sent_again_on_demand(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await pay(world, "o1")
        await until(lambda: merchant.requests, "the webhook")
        await call(world, "POST", f"{world.psp_url}/control/resend?merchant_reference=o1", expect=202)
        await until(lambda: len(merchant.requests) == 2, "the second one")


async def test_an_unknown_word_in_the_programme_is_refused(tmp_path):
    async with running_world(tmp_path) as world:
        url = f"{world.psp_url}/control/behaviour"
        await call(world, "PUT", url, json={"decline_ratio": 1}, expect=400)
        await call(world, "PUT", url, json={"slow_rate": 0.7, "error_then_success_rate": 0.7}, expect=400)
        await behave(world, decline_rate=1.0)
        assert (await pay(world, "o1"))["status"] == "declined"
        await call(world, "POST", f"{world.psp_url}/control/reset", expect=200)
        assert (await pay(world, "o2"))["status"] == "captured"


async def test_parts_of_the_programme_changed_at_once_are_all_in_it(tmp_path):
    async with running_world(tmp_path) as world:
        url = f"{world.psp_url}/control/behaviour"
        parts = ({"decline_rate": 0.1}, {"slow_rate": 0.2}, {"webhook_copies": 3}, {"error_then_success_rate": 0.3})
        await asyncio.gather(*(call(world, "PATCH", url, json=part, expect=200) for part in parts))
        _, now = await call(world, "GET", url, expect=200)
        assert {name: now[name] for part in parts for name in part} == {n: v for part in parts for n, v in part.items()}
        await call(world, "PATCH", url, json={"slow_rate": 0.9}, expect=400)
        await call(world, "PATCH", url, json={"decline_ratio": 1}, expect=400)
        assert await call(world, "GET", url) == (200, now)


async def test_payments_are_listed_in_pages(tmp_path):
    async with running_world(tmp_path) as world:
        made = [(await pay(world, f"o{i}"))["id"] for i in range(5)]
        url = f"{world.psp_url}/v1/payments?limit=2"
        _, first = await call(world, "GET", url, expect=200)
        _, second = await call(world, "GET", f"{url}&after={first['next']}", expect=200)
        _, third = await call(world, "GET", f"{url}&after={second['next']}", expect=200)
    pages = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert pages == made
    assert third["next"] is None


async def test_repeats_arriving_together_are_charged_once_each(tmp_path):
    async with running_world(tmp_path) as world:
        await asyncio.gather(*(pay(world, f"o{i % 50}", key=f"k{i % 50}") for i in range(500)))
        captures = [line.merchant_reference for line in psp_lines(tmp_path, "capture")]
    assert sorted(captures) == sorted(f"o{i}" for i in range(50))
