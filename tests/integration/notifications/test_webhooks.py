"""Webhooks to sellers: signed, once per event, repeated until taken, and ended where nobody takes them."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from shared.webhook_signatures import HEADER, verify
from svc.notifications.domain.sellers import FAILURES_MAX
from tests.support.notifying import FEED, desk, order_paid, reader, sold_by
from tests.support.probes import person
from tests.support.services import envelope, publish, until
from tests.support.world import receiver

pytestmark = pytest.mark.service("notifications")

WEBHOOKS = f"{FEED}/webhooks"
HASTE = {"webhook_loopback": True, "webhook_retry_first_s": 0.05}


class Seller:
    """A seller with one endpoint, and the program that listens there."""

    def __init__(self, notifications, who, program, endpoint):
        self.desk, self.who, self.program, self.endpoint = notifications, who, program, endpoint

    async def ask(self, method, suffix="", **kwargs):
        path = f"{WEBHOOKS}/{self.endpoint['id']}{suffix}"
        return await self.desk.service.call(method, path, principal=self.who, **kwargs)

    async def state(self):
        (endpoint,) = (await self.desk.service.call("GET", WEBHOOKS, principal=self.who))[1]["items"]
        return endpoint


@asynccontextmanager
async def a_seller(engines, prefix, folder):
    async with desk(engines, prefix, folder, **HASTE) as notifications, receiver() as program:
        who = person("seller")
        body = {"url": f"{program.url}/hook", "events": ["order.paid"]}
        status, endpoint = await notifications.service.call("POST", WEBHOOKS, principal=who, json=body)
        assert status == 201, endpoint
        yield Seller(notifications, who, program, endpoint)


async def test_a_seller_is_told_of_their_own_lines_once_and_can_prove_who_says_so(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        order = sold_by(seller.who)
        told = envelope(order, order.order_id)
        await publish(engines, prefix, told, told)
        await seller.desk.connection.execute("DELETE FROM inbox")
        await publish(engines, prefix, told)
        (row,) = await seller.desk.reach(1, channel="webhook", status="sent")
        ((path, body, raw, headers),) = seller.program.requests
        assert path == "/hook"
        at = int(headers[HEADER].split(",")[0].removeprefix("t="))
        verify(headers[HEADER], raw, secrets=[seller.endpoint["secret"]], now_s=at)
        assert (body["id"], body["type"], headers["X-Shopstream-Delivery"]) == (
            str(told.id),
            "order.paid",
            str(row["id"]),
        )
        assert [line["sku"] for line in body["data"]["lines"]] == ["MINE"]
        assert body["data"]["lines"][0]["total"] == {"amount": "10.00", "currency": "EUR"}
        for secret in (order.email, order.shipping_address.line1, str(order.customer_id)):
            assert secret not in raw.decode()
        (sent,) = (await seller.ask("GET", "/deliveries"))[1]["items"]
        assert (sent["event"], sent["status"], sent["attempts"]) == ("order.paid", "sent", 1)
        kinds = await seller.desk.connection.fetch("SELECT payload::jsonb -> 'data' ->> 'channel' FROM outbox")
        assert "webhook" in {kind[0] for kind in kinds}


async def test_an_event_of_nobody_or_of_no_interest_is_told_to_nobody(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        await seller.desk.tell(order_paid(), sold_by(person("seller")))
        await seller.desk.reach(2, channel="email", status="sent")
        assert await seller.desk.deliveries(channel="webhook") == []


async def test_what_was_not_taken_is_sent_again_and_success_ends_the_count(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        seller.program.statuses += [500, 302, 503]
        await seller.desk.tell(sold_by(seller.who))
        (row,) = await seller.desk.reach(1, channel="webhook", status="sent")
        assert row["attempts"] == 4
        assert len({raw for _, _, raw, _ in seller.program.requests}) == 1
        assert (await seller.state())["failures"] == 0


async def test_an_endpoint_that_never_takes_anything_is_disabled_until_its_seller_enables_it(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        seller.program.statuses += [500] * 40
        await seller.desk.tell(*(sold_by(seller.who) for _ in range(4)))
        rows = await seller.desk.reach(4, channel="webhook", status="failed")
        state = await seller.state()
        assert (state["status"], state["failures"]) == ("disabled", FAILURES_MAX)
        assert FAILURES_MAX <= len(seller.program.requests) < FAILURES_MAX + 4
        assert any("disabled" in row["error"] for row in rows)
        (letter,) = await seller.desk.feed(seller.who)
        assert letter["template"] == "webhook_disabled"
        assert seller.program.url in letter["text"]
        seen = len(seller.program.requests)
        await seller.desk.tell(sold_by(seller.who))
        await seller.desk.reach(5, channel="email", status="sent")
        assert len(await seller.desk.deliveries(channel="webhook")) == 4
        seller.program.statuses.clear()
        assert (await seller.ask("POST", "/enable"))[1]["status"] == "enabled"
        await seller.desk.tell(sold_by(seller.who))
        await seller.desk.reach(1, channel="webhook", status="sent")
        assert len(seller.program.requests) == seen + 1


async def test_an_endpoint_that_says_it_is_gone_is_asked_no_more(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        seller.program.statuses.append(410)
        await seller.desk.tell(sold_by(seller.who))
        await seller.desk.reach(1, channel="webhook", status="failed")
        assert (await seller.state())["status"] == "disabled"
        assert len(seller.program.requests) == 1


async def test_after_a_rotation_both_secrets_sign_and_after_a_day_only_the_new_one(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        _, rotated = await seller.ask("POST", "/rotate-secret")
        assert rotated["secret"] not in {None, seller.endpoint["secret"]}
        assert (await seller.state())["secret"] is None
        await seller.desk.tell(sold_by(seller.who))
        await seller.desk.reach(1, channel="webhook", status="sent")
        await seller.desk.connection.execute("UPDATE webhook_endpoints SET last_secret_until = now()")
        await seller.desk.tell(sold_by(seller.who))
        await seller.desk.reach(2, channel="webhook", status="sent")
        signatures = [headers[HEADER] for _, _, _, headers in seller.program.requests]
        assert [header.count("v1=") for header in signatures] == [2, 1]
        for header, (_, _, raw, _) in zip(signatures, seller.program.requests, strict=True):
            verify(header, raw, secrets=[rotated["secret"]], now_s=int(header.split(",")[0][2:]))


async def test_what_waits_for_an_endpoint_that_was_removed_goes_nowhere(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        seller.program.statuses += [500] * 40
        await seller.desk.tell(sold_by(seller.who))
        await until(lambda: seller.program.requests)
        assert (await seller.ask("DELETE"))[0] == 204
        await seller.desk.reach(1, channel="webhook", status="failed")
        assert (await seller.ask("DELETE"))[0] == 404


async def test_anothers_endpoint_is_as_absent_as_one_that_never_was(engines, prefix, tmp_path):
    async with a_seller(engines, prefix, tmp_path) as seller:
        other = person("seller")
        for endpoint_id in (seller.endpoint["id"], uuid4()):
            for method, suffix in (
                ("DELETE", ""), ("POST", "/enable"), ("POST", "/rotate-secret"), ("GET", "/deliveries")
            ):  # fmt: skip
                path = f"{WEBHOOKS}/{endpoint_id}{suffix}"
                status, problem = await seller.desk.service.call(method, path, principal=other)
                assert (status, problem["code"]) == (404, "unknown_endpoint")
        assert (await seller.desk.service.call("GET", WEBHOOKS, principal=other))[1]["items"] == []
        assert (await seller.desk.service.call("GET", WEBHOOKS, principal=reader()))[0] == 403
        assert (await seller.state())["status"] == "enabled"
