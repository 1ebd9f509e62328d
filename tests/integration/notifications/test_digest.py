"""Who wants a digest gets a day's mails as one, once, and nothing they refused meanwhile."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from shared.database import Database
from svc.notifications.domain import UnsubscribeLinks
from svc.notifications.handlers import digests
from svc.notifications.letters import Writer
from tests.support.notifying import desk, order_created, order_paid, reader

pytestmark = pytest.mark.service("notifications")


async def _gathered(notifications, ann, *events):
    await notifications.prefer(ann, digest=True)
    await notifications.tell(*events)
    await notifications.reach(len(events), status="gathered")
    assert notifications.journals().smtp == []


async def _due(notifications):
    await notifications.connection.execute("UPDATE deliveries SET due_at = now() WHERE status = 'gathered'")


async def test_a_days_mails_come_as_one_and_each_of_them_once(engines, prefix, tmp_path, monkeypatch):
    monkeypatch.setattr("svc.notifications.jobs.DIGESTS_EVERY_S", 0.05)
    async with desk(engines, prefix, tmp_path) as notifications:
        ann, bob = reader(), reader()
        mine = [order_created(customer_id=UUID(ann.subject), order_number=f"SO-{n}") for n in range(3)]
        await _gathered(notifications, ann, *mine)
        await notifications.prefer(bob, digest=True)
        await notifications.tell(order_paid(customer_id=UUID(bob.subject), email="bob@example.com"))
        await notifications.reach(4, status="gathered")
        await _due(notifications)
        await notifications.reach(2, template="digest", status="sent")
        assert len(await notifications.deliveries(status="digested")) == 4
        mails = {mail.recipients[0]: mail for mail in notifications.journals().smtp}
        assert set(mails) == {"ann@example.com", "bob@example.com"}
        text = (tmp_path / "mail" / f"{mails['ann@example.com'].n}.eml").read_text()
        assert [text.count(f"Your order SO-{n}") for n in range(3)] == [2, 2, 2]  # in its text and in its HTML
        assert "List-Unsubscribe-Post" in text


async def test_what_is_refused_before_its_digest_is_not_in_it(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        await _gathered(notifications, ann, order_paid(customer_id=UUID(ann.subject)))
        refused = [{"topic": "orders", "channel": "email"}]
        await notifications.prefer(ann, version=1, digest=True, refused=refused)
        (row,) = await notifications.deliveries(channel="email")
        assert row["status"] == "suppressed"


async def test_two_that_make_digests_at_once_make_each_once(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path, role="api") as notifications:
        writer = Writer("orders@shop.example", "secret", shop_url="", links=UnsubscribeLinks("secret"))
        database = Database(notifications.service.settings.database_url, "second-of-a-test")
        await database.open()
        try:
            for n in range(8):
                await notifications.connection.execute(
                    "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, currency, "
                    "amount_minor, context, message_id, status) VALUES (gen_random_uuid(), gen_random_uuid(), "
                    "'order_paid', 'email', $1 || '@example.com', md5($1)::uuid, 'EUR', 100, "
                    "'{\"order_number\": \"SO-1\"}', $2, 'gathered')",
                    f"reader-{n % 2}", str(n),
                )  # fmt: skip

            async def make():
                async with database.begin() as uow:
                    return await digests.make(uow, writer)

            made = await asyncio.gather(*(make() for _ in range(6)))
            assert sorted(made) == [False] * 4 + [True] * 2
            rows = await notifications.deliveries(template="digest")
            assert [len(msgspec.json.decode(row["context"])["items"]) for row in rows] == [4, 4]
        finally:
            await database.close()
