import asyncio
import time
from email.message import EmailMessage

import aiosmtplib
import pytest

from scenarios.world.journals import read_journals
from tests.support.world import call, running_world


def mail(to="ada@example.com", subject="Ihre Bestellung – 89,99 €", **headers):
    message = EmailMessage()
    message["From"] = "ShopStream <shop@example.com>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<m1@shop>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Thank you, Ada.")
    message.add_alternative("<p>Thank you, <b>Ada</b>.</p>", subtype="html")
    return message


async def send(world, message):
    return await aiosmtplib.send(message, hostname="127.0.0.1", port=world.mail.port, timeout=5)


async def test_a_mail_is_kept_listed_and_shown(tmp_path):
    async with running_world(tmp_path) as world:
        await send(
            world,
            mail(
                X_Shopstream_Template="order_confirmed",
                X_Shopstream_Event="evt-1",
                X_Shopstream_Order="order-1",
                traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        )
        _, listed = await call(world, "GET", f"{world.catcher_url}/mail?to=ada@example.com", expect=200)
        _, shown = await call(world, "GET", f"{world.catcher_url}/mail/{listed['items'][0]['n']}", expect=200)
        raw = (tmp_path / "mail" / f"{shown['n']}.eml").read_bytes()
    line = read_journals(tmp_path).smtp[0]
    assert (line.template, line.event_id, line.order_id) == ("order_confirmed", "evt-1", "order-1")
    assert line.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert line.subject == "Ihre Bestellung – 89,99 €"
    assert (line.message_id, line.sender, line.recipients) == (
        "m1@shop",
        "shop@example.com",
        ["ada@example.com"],
    )
    assert line.size == len(raw)
    assert "<b>Ada</b>" in shown["html"]
    assert shown["text"] == "Thank you, Ada.\n"
    assert shown["subject"] == line.subject


async def test_two_mails_that_say_the_same_have_the_same_digest(tmp_path):
    async with running_world(tmp_path) as world:
        for event in ("evt-1", "evt-2"):
            await send(world, mail(X_Shopstream_Event=event))
        other = mail()
        other.get_body(("plain",)).set_content("Thank you, Bob.")
        await send(world, other)
    first, again, different = (line.body_sha256 for line in read_journals(tmp_path).smtp)
    assert first == again != different


async def test_the_list_is_newest_first_filtered_and_bounded(tmp_path):
    async with running_world(tmp_path) as world:
        for i in range(4):
            await send(world, mail(to=f"user{i % 2}@example.com", subject=f"mail {i}"))
        _, all_of_one = await call(world, "GET", f"{world.catcher_url}/mail?to=user1@example.com")
        _, newest = await call(world, "GET", f"{world.catcher_url}/mail?limit=1")
    assert [it["subject"] for it in all_of_one["items"]] == ["mail 3", "mail 1"]
    assert [it["subject"] for it in newest["items"]] == ["mail 3"]
    assert newest["total"] == 4


async def test_mails_and_their_numbers_survive_a_restart(tmp_path):
    async with running_world(tmp_path) as world:
        await send(world, mail(subject="before"))
    async with running_world(tmp_path) as world:
        await send(world, mail(subject="after"))
        _, listed = await call(world, "GET", f"{world.catcher_url}/mail")
        assert [(it["n"], it["subject"]) for it in listed["items"]] == [(2, "after"), (1, "before")]
        await call(world, "GET", f"{world.catcher_url}/mail/1", expect=200)


async def test_a_tarpit_answers_late(tmp_path):
    async with running_world(tmp_path) as world:
        await call(world, "PUT", f"{world.catcher_url}/control/behaviour", json={"tarpit_s": 0.3}, expect=200)
        started = time.monotonic()
        await send(world, mail())
        assert time.monotonic() - started >= 0.3


async def test_a_deferred_mail_is_not_kept(tmp_path):
    async with running_world(tmp_path) as world:
        await call(world, "PUT", f"{world.catcher_url}/control/behaviour", json={"defer_rate": 1}, expect=200)
        with pytest.raises(aiosmtplib.SMTPDataError) as caught:
            await send(world, mail())
        assert caught.value.code == 451
        await call(world, "POST", f"{world.catcher_url}/control/reset", expect=200)
        await send(world, mail())
    assert [line.kind for line in read_journals(tmp_path).smtp if line.kind != "behaviour"] == [
        "deferred",
        "accepted",
    ]


async def test_mails_sent_at_once_are_all_kept(tmp_path):
    async with running_world(tmp_path) as world:
        await asyncio.gather(*(send(world, mail(subject=f"mail {i}")) for i in range(40)))
    subjects = {line.subject for line in read_journals(tmp_path).smtp}
    assert subjects == {f"mail {i}" for i in range(40)}
    assert len(list((tmp_path / "mail").iterdir())) == 40


async def test_the_page_is_served_with_a_policy_that_runs_no_foreign_script(tmp_path):
    async with running_world(tmp_path) as world, world.http.get(world.catcher_url + "/") as answer:
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<title>Mail" in await answer.text()


async def test_an_unknown_mail_is_not_found(tmp_path):
    async with running_world(tmp_path) as world:
        await call(world, "GET", f"{world.catcher_url}/mail/7", expect=404)
        await call(world, "GET", f"{world.catcher_url}/mail/..%2Fpsp", expect=404)


async def test_short_messages_are_journalled_and_listed(tmp_path):
    async with running_world(tmp_path) as world:
        sms = {"to": "+491701", "text": "Your parcel is on its way", "reference": "d1"}
        await call(world, "POST", f"{world.catcher_url}/sms", json=sms, expect=202)
        push = {"to": "device-1", "title": "Shipped", "text": "On its way", "reference": "d2"}
        await call(world, "POST", f"{world.catcher_url}/push", json=push, expect=202)
        await call(world, "POST", f"{world.catcher_url}/sms", json={"text": "to nobody"}, expect=400)
        _, listed = await call(world, "GET", f"{world.catcher_url}/sms?to=%2B491701", expect=200)
    assert [it["reference"] for it in listed["items"]] == ["d1"]
    assert [(line.kind, line.recipient) for line in read_journals(tmp_path).sms] == [
        ("sms", "+491701"),
        ("push", "device-1"),
    ]
