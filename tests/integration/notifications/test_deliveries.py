import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from email import message_from_bytes
from uuid import uuid4

import asyncpg
import pytest
from aiosmtpd.controller import Controller

from shared import one_time_tokens
from shared.contracts import Address, OrderLine
from shared.contracts.analytics import ReportReady
from shared.contracts.auth import (
    CredentialsChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    RegistrationRequested,
    UserRegistered,
)
from shared.contracts.orders import OrderCreated, OrderRefunded
from shared.contracts.payments import DuplicateReturned
from shared.identity import Principal
from shared.jobs_queue import JobBoard
from tests.support.services import INTERNAL_SECRET, envelope, free_port, publish, served, topics, until

pytestmark = pytest.mark.service("notifications")


class Catcher:
    """A real SMTP server that keeps what it takes, or refuses as often as it is told."""

    def __init__(self, refuse_first=0):
        self.mails = []
        self.recipients = []
        self.refusals_left = refuse_first

    async def handle_DATA(self, server, session, letter):  # noqa: N802 aiosmtpd's name
        if self.refusals_left:
            self.refusals_left -= 1
            return "451 try again later"
        self.mails.append(message_from_bytes(letter.content))
        self.recipients.append(letter.rcpt_tos)
        return "250 taken"


@asynccontextmanager
async def smtp(catcher):
    controller = Controller(catcher, hostname="127.0.0.1", port=free_port())
    await asyncio.to_thread(controller.start)
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        await asyncio.to_thread(controller.stop)


def order_created(title="Storm jacket", customer_id=None, email="ann@example.com"):
    order_id = uuid4()
    return OrderCreated(
        order_id=order_id, order_number="SO-1", customer_id=customer_id or uuid4(), email=email,
        currency="EUR", total_minor=1234, subtotal_minor=1234, discount_minor=0, tax_minor=0, shipping_minor=0,
        lines=[OrderLine(sku="A", product_id=uuid4(), title=title, quantity=1, unit_price_minor=1234,
                         line_total_minor=1234)],
        payment_method="tok_visa", shipping_method="standard", placed_at=datetime.now(UTC),
        shipping_address=Address(name="Ann", line1="1 Road", city="Town", postal_code="1", country="IE"),
    )  # fmt: skip


async def test_an_order_is_confirmed_once_however_often_its_event_comes(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url) as notifications,
    ):
        customer = uuid4()
        event = order_created(customer_id=customer)
        placed = envelope(event, event.order_id)
        await publish(engines, prefix, placed, placed, placed)
        user = UserRegistered(user_id=uuid4(), email="bob@example.com", name="Bob")
        await publish(engines, prefix, envelope(user, user.user_id))
        await until(lambda: len(catcher.mails) >= 2)
        templates = sorted(mail["X-Shopstream-Template"] for mail in catcher.mails)
        assert templates == ["order_placed", "welcome"]
        mail = next(mail for mail in catcher.mails if mail["X-Shopstream-Template"] == "order_placed")
        assert mail["To"] == "ann@example.com"
        assert mail["X-Shopstream-Order"] == str(event.order_id)
        assert mail["X-Shopstream-Event"] == str(placed.id)
        assert mail["X-Shopstream-Amount"] == "12.34 EUR"
        assert "€12.34" in mail.get_payload(0).get_payload(decode=True).decode()
        _, page = await notifications.call("GET", "/api/v1/notifications", principal=Principal(str(customer)))
        assert [item["template"] for item in page["items"]] == ["order_placed"]
        _, page = await notifications.call("GET", "/api/v1/notifications", principal=Principal(str(uuid4())))
        assert page["items"] == []


async def test_a_report_is_mailed_to_its_owner_and_nothing_in_it_is_markup(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url),
    ):
        report = ReportReady(
            schedule_id=uuid4(), owner_id=uuid4(), email="ann@example.com", title="Net", since=date(2026, 1, 1),
            until=date(2026, 1, 7), columns=["sku", "net"], rows=[["<b>A", "12.30"], ["B", "-1.00"]], more=True,
        )  # fmt: skip
        due = envelope(report, report.schedule_id)
        await publish(engines, prefix, due, due)
        (mail,) = await until(lambda: catcher.mails)
        assert (catcher.recipients, mail["To"]) == ([["ann@example.com"]], "ann@example.com")
        assert mail["Subject"] == "Net, 2026-01-01 to 2026-01-07"
        text, html = (part.get_payload(decode=True).decode() for part in mail.get_payload())
        assert "<b>A  |  12.30" in text
        assert "<td>&lt;b&gt;A</td><td>12.30</td>" in html
        assert "first rows" in text


async def test_who_was_charged_twice_is_told_that_it_went_back(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url),
    ):
        order_id, payment_id = uuid4(), uuid4()
        event = DuplicateReturned(
            payment_id=payment_id, order_id=order_id, customer_id=uuid4(), email="ann@example.com",
            order_number="SO-1", amount_minor=7_125, currency="KWD", refund_id=uuid4(), psp_payment_id="pay_2",
        )  # fmt: skip
        told = envelope(event, payment_id)
        await publish(engines, prefix, told, told)
        await until(lambda: catcher.mails)
        (mail,) = catcher.mails
        assert (mail["X-Shopstream-Template"], mail["To"]) == ("duplicate_returned", "ann@example.com")
        assert (mail["X-Shopstream-Order"], mail["X-Shopstream-Amount"]) == (str(order_id), "7.125 KWD")


async def test_who_was_charged_too_much_is_told_once_that_the_difference_went_back(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url),
    ):
        order_id = uuid4()
        event = OrderRefunded(
            order_id=order_id, order_number="SO-1", customer_id=uuid4(), email="ann@example.com", currency="EUR",
            total_minor=1_736, refunded_minor=7, corrects_price=True,
        )  # fmt: skip
        told = envelope(event, order_id)
        await publish(engines, prefix, told, told)
        await until(lambda: catcher.mails)
        (mail,) = catcher.mails
        assert (mail["X-Shopstream-Template"], mail["X-Shopstream-Amount"]) == ("price_corrected", "0.07 EUR")


async def test_a_refused_mail_is_sent_again_with_the_same_message_id(engines, prefix):
    catcher = Catcher(refuse_first=1)
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url, send_interval_s=0.05),
    ):
        event = order_created()
        await publish(engines, prefix, envelope(event, event.order_id))
        await until(lambda: catcher.mails)
        assert len(catcher.mails) == 1


async def test_a_title_injects_neither_headers_nor_markup(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url),
    ):
        event = order_created(title="<script>x</script>\r\nBcc: eve@example.com")
        await publish(engines, prefix, envelope(event, event.order_id))
        await until(lambda: catcher.mails)
        mail = catcher.mails[0]
        assert mail["Bcc"] is None
        assert "<script>" not in mail.get_payload(1).get_payload(decode=True).decode()


async def test_the_feed_is_for_people(engines, prefix):
    async with topics(engines, prefix), served(engines, "notifications", prefix=prefix) as notifications:
        status, problem = await notifications.call("GET", "/api/v1/notifications")
        assert (status, problem["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "address", ["a@x..com", "=?utf-8?q?ann?=@example.com", "two@example.com, ann@example.com", "ä@x.com"]
)
async def test_an_address_that_smtp_cannot_carry_fails_alone_and_reaches_nobody(engines, prefix, address):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url, send_interval_s=0.05) as notifications,
    ):
        odd, plain = order_created(email=address), [order_created() for _ in range(6)]
        events = [*plain[:3], odd, *plain[3:]]
        await publish(engines, prefix, *(envelope(event, event.order_id) for event in events))
        failed = await until(lambda: _deliveries(notifications, "failed", 1))
        await until(lambda: _deliveries(notifications, "sent", 6))
        assert failed[0]["error"].endswith("SMTP cannot carry this address')")
        assert sorted(mail["X-Shopstream-Order"] for mail in catcher.mails) == sorted(str(o.order_id) for o in plain)
        assert catcher.recipients == [["ann@example.com"]] * 6
        assert await _told(notifications) == {"notification.sent": 6, "notification.failed": 1}


async def test_a_letter_that_cannot_be_written_is_tried_a_bounded_number_of_times_and_costs_no_other(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url, send_interval_s=0.05) as notifications,
    ):
        odd, plain = order_created(), order_created()
        catcher.refusals_left = 1
        await publish(engines, prefix, envelope(odd, odd.order_id))
        await until(lambda: not catcher.refusals_left)
        async with database_to(notifications) as connection:
            await connection.execute(
                "UPDATE deliveries SET template = 'of nobody', attempts = 6 WHERE channel = 'email'"
            )
        await publish(engines, prefix, envelope(plain, plain.order_id))
        await until(lambda: _deliveries(notifications, "sent", 1))
        (failed,) = await until(lambda: _deliveries(notifications, "failed", 1))
        assert (failed["attempts"], "UnknownTemplate" in failed["error"]) == (8, True)
        async with JobBoard(engines.redis, prefix=prefix, services=["notifications"]) as board:
            (dead,) = await until(board.rows)
        assert (dead.kind, dead.state) == ("send_message", "dead")


async def test_a_dead_mail_is_sent_when_its_job_is_retried(engines, prefix):
    catcher = Catcher(refuse_first=3)
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url, send_interval_s=0.05) as notifications,
        JobBoard(engines.redis, prefix=prefix, services=["notifications"]) as board,
    ):
        event = order_created()
        await publish(engines, prefix, envelope(event, event.order_id))
        await until(lambda: catcher.refusals_left < 3)
        async with database_to(notifications) as connection:
            await connection.execute("UPDATE deliveries SET attempts = 6 WHERE channel = 'email'")
        (dead,) = await until(lambda: _dead(board))
        catcher.refusals_left = 0
        await board.retry(dead.key)
        (sent,) = await until(lambda: _deliveries(notifications, "sent", 1))
        assert catcher.mails[0]["Message-ID"] == f"<{sent['message_id']}>"
        assert await _told(notifications) == {"notification.failed": 1, "notification.sent": 1}
        assert await board.rows() == []


async def test_a_delivery_whose_job_was_lost_is_queued_again(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.notifications.jobs.QUEUED_AGAIN_S", 0.3)
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url, send_interval_s=0.05) as notifications,
    ):
        async with database_to(notifications) as connection:
            await connection.execute(
                "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, context, message_id, "
                "status, due_at) VALUES (gen_random_uuid(), gen_random_uuid(), 'welcome', 'email', 'ann@example.com', "
                "gen_random_uuid(), '{\"name\": \"Ann\"}', 'of-this-delivery@shopstream', 'sending', "
                "clock_timestamp() + interval '1 second')"
            )
        await until(lambda: _deliveries(notifications, "sent", 1))
        assert [mail["Message-ID"] for mail in catcher.mails] == ["<of-this-delivery@shopstream>"]


@asynccontextmanager
async def database_to(service):
    connection = await asyncpg.connect(service.settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _deliveries(service, status, number):
    async with database_to(service) as connection:
        rows = await connection.fetch("SELECT * FROM deliveries WHERE channel = 'email' AND status = $1", status)
    return rows if len(rows) == number else None


async def _told(service):
    async with database_to(service) as connection:
        rows = await connection.fetch("SELECT type, count(*) FROM outbox GROUP BY type")
    return dict(rows)


async def _dead(board):
    return [row for row in await board.rows() if row.state == "dead"]


async def test_letters_about_an_account_hold_their_token_and_nothing_else_does(engines, prefix):
    catcher = Catcher()
    async with (
        topics(engines, prefix),
        smtp(catcher) as url,
        served(engines, "notifications", prefix=prefix, smtp_url=url) as notifications,
    ):
        who = {"email": "ann@example.com", "name": "Ann <b>"}
        new, known = uuid4(), uuid4()
        wanted = RegistrationRequested(user_id=new, **who)
        reset = PasswordResetRequested(user_id=known, request_id=uuid4(), **who)
        changed = CredentialsChanged(user_id=known, change="recovery_code_used", **who)
        repeated = RegistrationRepeated(user_id=known, **who)
        events = [(wanted, new), (reset, reset.request_id), (changed, known), (repeated, uuid4())]
        await publish(engines, prefix, *(envelope(event, about) for event, about in events))
        await until(lambda: len(catcher.mails) == len(events))
        mails = {mail["X-Shopstream-Template"]: mail for mail in catcher.mails}
        text = {name: mail.get_payload(0).get_payload().replace("\r\n", "\n") for name, mail in mails.items()}
        tokens = {
            "registration_requested": one_time_tokens.mint(INTERNAL_SECRET, one_time_tokens.REGISTRATION, new),
            "password_reset": one_time_tokens.mint(INTERNAL_SECRET, one_time_tokens.PASSWORD_RESET, reset.request_id),
        }
        for name, token in tokens.items():
            assert f"\n{token}\n" in text[name]
            assert f"<p>{token}</p>" in mails[name].get_payload(1).get_payload(decode=True).decode()
        assert "somebody signed in with a recovery code" in text["credentials_changed"]
        assert not any("<b>" in mail.get_payload(1).get_payload() for mail in catcher.mails)
        connection = await asyncpg.connect(notifications.settings.database_url)
        try:
            rows = await connection.fetch("SELECT to_jsonb(d)::text AS row FROM deliveries d")
            assert len(rows) == len(events) + 1  # the change of the account is in the feed, too
            assert not any(token in row["row"] for row in rows for token in tokens.values())
            assert {row["customer_id"] for row in await connection.fetch("SELECT customer_id FROM deliveries")} == {
                new,
                known,
            }
        finally:
            await connection.close()
