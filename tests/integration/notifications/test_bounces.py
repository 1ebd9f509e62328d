"""Mails that come back: nobody is written to again at an address that does not exist, until staff says otherwise."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from tests.support.notifying import FEED, desk, order_created, order_paid, reader
from tests.support.probes import person

pytestmark = pytest.mark.service("notifications")

BOUNCES = f"{FEED}/bounces"
GONE = "gone@example.com"


@asynccontextmanager
async def _with_a_bounce(engines, prefix, folder):
    async with desk(engines, prefix, folder) as notifications:
        notifications.world.mail.behave(type(notifications.world.mail.behaviour)(unknown=[GONE]))
        await notifications.tell(order_created(email=GONE))
        (failed,) = await notifications.reach(1, channel="email", status="failed")
        assert failed["attempts"] == 1
        yield notifications


async def test_a_hard_bounce_stops_all_further_mails_to_the_address_and_to_no_other(engines, prefix, tmp_path):
    async with _with_a_bounce(engines, prefix, tmp_path) as notifications:
        await notifications.tell(order_paid(email=GONE.upper()), order_paid())
        (stopped,) = await notifications.reach(1, channel="email", status="suppressed")
        await notifications.reach(1, channel="email", status="sent")
        assert stopped["error"] == "mails to this address come back"
        refused = [record.recipients for record in notifications.journals().smtp if record.kind == "refused"]
        assert refused == [[GONE]]
        told = await notifications.connection.fetch("SELECT type FROM outbox ORDER BY type")
        assert [row["type"] for row in told] == ["notification.failed", "notification.failed", "notification.sent"]
        assert len(await notifications.deliveries(channel="in_app")) == 3


async def test_staff_sees_what_bounced_and_gives_it_another_chance(engines, prefix, tmp_path):
    async with _with_a_bounce(engines, prefix, tmp_path) as notifications:
        support = person("support")
        _, page = await notifications.service.call("GET", BOUNCES, principal=support)
        (bounce,) = page["items"]
        assert (bounce["address"], "550" in bounce["reason"]) == (GONE, True)
        notifications.world.mail.behave(type(notifications.world.mail.behaviour)())
        for status in (204, 404):
            path = f"{BOUNCES}/{bounce['id']}"
            assert (await notifications.service.call("DELETE", path, principal=support))[0] == status
        await notifications.tell(order_paid(email=GONE))
        await notifications.reach(1, channel="email", status="sent")
        assert (await notifications.service.call("GET", BOUNCES, principal=reader()))[0] == 403
        assert (await notifications.service.call("DELETE", f"{BOUNCES}/{uuid4()}", principal=support))[0] == 404


async def test_a_mail_refused_for_the_moment_or_for_its_words_costs_nobody_their_address(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        notifications.world.mail.behave(type(notifications.world.mail.behaviour)(defer_rate=0.3, seed=5))
        await notifications.tell(*(order_paid() for _ in range(6)))
        await notifications.reach(6, channel="email", status="sent")
        assert any(record.kind == "deferred" for record in notifications.journals().smtp)
        assert await notifications.connection.fetchval("SELECT count(*) FROM bounced_addresses") == 0
