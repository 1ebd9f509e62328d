"""The same letter over every channel its reader chose, in the reader's language, once each whatever is redelivered."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from scenarios.world.messages import Behaviour
from tests.support.notifying import desk, order_created, order_paid, reader
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("notifications")

PHONE, DEVICE = "+353861234567", "device-1"


async def test_a_letter_comes_once_over_each_channel_however_often_its_event_comes(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        await notifications.prefer(ann, phone=PHONE, push_token=DEVICE, locale="de")
        event = order_paid(customer_id=UUID(ann.subject))
        told = envelope(event, event.order_id)
        await publish(engines, prefix, told, told)
        await notifications.connection.execute("DELETE FROM inbox")  # as a replay would have it
        await publish(engines, prefix, told)
        rows = await notifications.reach(4, status="sent")
        assert sorted(row["channel"] for row in rows) == ["email", "in_app", "push", "sms"]
        assert len(await notifications.deliveries()) == 4
        (entry,) = await notifications.feed(ann)
        journals = notifications.journals()
        said = "Wir haben 12,34\xa0€ für Ihre Bestellung SO-1 erhalten. Wir packen sie jetzt."
        assert (entry["title"], entry["text"]) == ("Zahlung für SO-1 erhalten", said.replace("\xa0", " "))
        assert [(m.kind, m.recipient, m.text) for m in sorted(journals.sms, key=lambda m: m.kind)] == [
            ("push", DEVICE, entry["text"]),
            ("sms", PHONE, entry["text"]),
        ]
        (mail,) = journals.smtp
        assert (mail.recipients, mail.subject) == (["ann@example.com"], "Zahlung für SO-1 erhalten")
        assert {row["id"] for row in rows if row["channel"] in {"sms", "push"}} == {
            UUID(message.reference) for message in journals.sms
        }
        outbox = await notifications.connection.fetch("SELECT payload::jsonb -> 'data' ->> 'channel' FROM outbox")
        assert sorted(row[0] for row in outbox) == ["email", "push", "sms"]


async def test_a_message_whose_answer_was_lost_is_sent_once_to_the_phone(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        await notifications.prefer(ann, phone=PHONE)
        notifications.world.messages.behave(Behaviour(withhold_rate=1.0, withheld_s=0.05))
        await notifications.tell(order_paid(customer_id=UUID(ann.subject)))
        (row,) = await notifications.reach(1, channel="sms", status="sent")
        kinds = [message.kind for message in notifications.journals().sms]
        assert kinds == ["behaviour", "sms", "withheld", "replayed"]
        assert row["attempts"] == 2


async def test_a_gateway_that_fails_is_asked_again_and_a_number_of_nobody_is_given_up(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        await notifications.prefer(ann, phone=PHONE, push_token=DEVICE)
        notifications.world.messages.behave(Behaviour(error_rate=1.0, unknown=[DEVICE]))
        await notifications.tell(order_paid(customer_id=UUID(ann.subject)))
        (sms,) = await notifications.reach(1, channel="sms", status="sent")
        (push,) = await notifications.reach(1, channel="push", status="failed")
        assert (sms["attempts"], push["attempts"]) == (2, 1)
        assert "unknown_recipient" in push["error"]
        kinds = sorted(message.kind for message in notifications.journals().sms)
        assert kinds == ["behaviour", "error", "refused", "sms"]


async def test_what_was_refused_is_not_stored_and_what_was_not_refused_comes(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        await notifications.prefer(ann, refused=[{"topic": "orders", "channel": "email"}])
        await notifications.tell(order_created(customer_id=UUID(ann.subject)))
        await until(lambda: notifications.feed(ann))
        assert [row["channel"] for row in await notifications.deliveries()] == ["in_app"]


async def test_in_quiet_hours_the_phone_waits_for_their_end_and_then_rings(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann, now = reader(), datetime.now(UTC)
        begins, ends = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=1)).strftime("%H:%M")
        await notifications.prefer(ann, phone=PHONE, quiet_hours={"begins": begins, "ends": ends})
        await notifications.tell(order_paid(customer_id=UUID(ann.subject)))
        await notifications.reach(1, channel="email", status="sent")
        (held,) = await notifications.deliveries(channel="sms")
        assert held["status"] == "held"
        assert timedelta(minutes=58) < held["due_at"] - now < timedelta(hours=1, minutes=1)
        assert notifications.journals().sms == []
        await notifications.connection.execute("UPDATE deliveries SET due_at = now() WHERE status = 'held'")
        await notifications.reach(1, channel="sms", status="sent")
        assert [message.recipient for message in notifications.journals().sms] == [PHONE]
