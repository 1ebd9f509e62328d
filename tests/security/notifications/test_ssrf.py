"""Webhooks to sellers reach no address inside, whatever the URL says, what its name leads to, or what it answers."""

import asyncio
import socket

import pytest
from aiohttp import web

from tests.support.notifying import FEED, desk, sold_by
from tests.support.probes import person
from tests.support.services import served
from tests.support.statements import API_ONLY
from tests.support.world import receiver

pytestmark = pytest.mark.service("notifications")

WEBHOOKS = f"{FEED}/webhooks"
ATTACKS = (
    "https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://127.1:{port}/", "https://2130706433:{port}/",
    "https://0x7f000001:{port}/", "https://0177.0.0.1:{port}/", "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/", "https://0.0.0.0:{port}/", "https://169.254.169.254/latest/meta-data/",
    "https://user:pass@127.0.0.1:{port}/", "http://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd", "https://hooks.example.com@127.0.0.1:{port}/", "https://127.0.0.1:{port}\\@example.com/",
    "https://nowhere.invalid/",
)  # fmt: skip


async def test_no_url_that_leads_inside_is_taken_and_nobody_inside_is_called(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service, receiver() as inside:
        seller = person("seller")
        for attack in ATTACKS:
            body = {"url": attack.format(port=inside.port), "events": ["order.paid"]}
            status, problem = await service.call("POST", WEBHOOKS, principal=seller, json=body)
            assert (status, problem["code"]) == (400, "webhook_url_refused"), attack
        assert (await service.call("GET", WEBHOOKS, principal=seller))[1]["items"] == []
        assert inside.requests == []


async def _stored(notifications, seller, url):
    """An endpoint as it was taken when its name still led elsewhere."""
    await notifications.connection.execute(
        "INSERT INTO webhook_endpoints (id, seller_id, url, events, secret) "
        "VALUES (gen_random_uuid(), $1::text::uuid, $2, '{order.paid}', 'whsec_x')",
        seller.subject, url,
    )  # fmt: skip


@pytest.mark.parametrize(
    "url", ["https://localhost:{port}/", "https://127.0.0.1:{port}/", "https://2130706433:{port}/"]
)
async def test_a_name_that_leads_inside_by_the_time_of_sending_is_not_connected_to(engines, prefix, tmp_path, url):
    connected = []

    async def accept(reader, writer):
        del reader
        connected.append(writer.get_extra_info("peername"))
        writer.close()

    async with desk(engines, prefix, tmp_path, webhook_retry_first_s=0.05) as notifications:
        server = await asyncio.start_server(accept, host="127.0.0.1", port=0, family=socket.AF_INET)
        async with server:
            seller = person("seller")
            port = server.sockets[0].getsockname()[1]
            await _stored(notifications, seller, url.format(port=port))
            await notifications.tell(sold_by(seller))
            (row,) = await notifications.reach(1, channel="webhook", status="failed")
            assert row["attempts"] == 8
            assert connected == []


async def test_the_way_is_open_where_a_simulated_world_allows_it(engines, prefix, tmp_path):
    """The positive control: the same endpoint is reached when loopback is allowed."""
    async with desk(engines, prefix, tmp_path, webhook_loopback=True) as notifications, receiver() as inside:
        seller = person("seller")
        await _stored(notifications, seller, f"http://localhost:{inside.port}/")
        await notifications.tell(sold_by(seller))
        await notifications.reach(1, channel="webhook", status="sent")
        assert len(inside.requests) == 1


async def test_a_redirect_is_an_answer_and_not_followed(engines, prefix, tmp_path):
    async def elsewhere(_):
        raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{inside.port}/inside")

    async with (
        desk(engines, prefix, tmp_path, webhook_loopback=True, webhook_retry_first_s=0.05) as notifications,
        receiver() as inside,
    ):
        app = web.Application()
        app.router.add_post("/", elsewhere)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            seller = person("seller")
            await _stored(notifications, seller, f"http://127.0.0.1:{runner.addresses[0][1]}/")
            await notifications.tell(sold_by(seller))
            (row,) = await notifications.reach(1, channel="webhook", status="failed")
            assert row["error"] == "answered 307"
            assert inside.requests == []
        finally:
            await runner.cleanup()
