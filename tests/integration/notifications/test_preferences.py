"""Preferences: what a reader may wish, what is refused, and that no edit undoes another that it has not seen."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.support.notifying import PREFERENCES, desk, order_created, order_paid, reader
from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("notifications")

ALL_OF_THEM = {
    "locale": "de",
    "time_zone": "Europe/Berlin",
    "phone": "+353861234567",
    "push_token": "device:1",
    "quiet_hours": {"begins": "22:00", "ends": "07:30"},
    "digest": True,
    "refused": [{"topic": "orders", "channel": "email"}, {"topic": "shipping", "channel": "sms"}],
}


async def _put(service, who, wishes, version):
    return await service.call(
        "PUT", PREFERENCES, principal=who, json=wishes, headers={} if version is None else {"If-Match": f'"{version}"'}
    )


async def test_what_was_wished_is_shown_again(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        _, at_first = await service.call("GET", PREFERENCES, principal=ann)
        assert (at_first["locale"], at_first["digest"], at_first["refused"]) == ("en", False, [])
        assert (await _put(service, ann, ALL_OF_THEM, 0))[0] == 200
        assert (await service.call("GET", PREFERENCES, principal=ann))[1] == ALL_OF_THEM
        assert (await service.call("GET", PREFERENCES, principal=reader()))[1] == at_first
        assert (await _put(service, ann, {}, 1))[1] == at_first


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"time_zone": "Europe/Nowhere"}, 422, "invalid_preferences"),
        ({"time_zone": "../../etc/passwd"}, 400, "invalid_body"),
        ({"phone": "0861234567"}, 400, "invalid_body"),
        ({"phone": "+353861234567\n"}, 400, "invalid_body"),
        ({"push_token": "a b"}, 400, "invalid_body"),
        ({"quiet_hours": {"begins": "24:00", "ends": "07:00"}}, 400, "invalid_body"),
        ({"refused": [{"topic": "account", "channel": "email"}]}, 400, "invalid_body"),
        ({"refused": [{"topic": "orders", "channel": "email"}] * 21}, 400, "invalid_body"),
        ({"locale": "fr"}, 400, "invalid_body"),
    ],
)
async def test_a_wish_that_cannot_be_met_changes_nothing(engines, prefix, wish, status, code):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        answered, problem = await _put(service, ann, wish, 0)
        assert (answered, problem["code"]) == (status, code)
        assert (await _put(service, ann, {}, 0))[0] == 200


async def test_an_edit_names_the_version_it_was_made_from(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        for version, status, code in ((None, 400, "if_match_missing"), (7, 412, "version_changed")):
            answered, problem = await _put(service, ann, {}, version)
            assert (answered, problem["code"]) == (status, code)
        answers = await asyncio.gather(*(_put(service, ann, {"digest": True}, 0) for _ in range(10)))
        assert sorted(answered for answered, _ in answers) == [200, *[412] * 9]
        assert (await _put(service, ann, {}, 0))[0] == 412
        assert (await _put(service, ann, {}, 1))[0] == 200


async def test_one_click_in_a_mail_ends_such_mails_and_nothing_else(engines, prefix, tmp_path):
    async with desk(engines, prefix, tmp_path) as notifications:
        ann = reader()
        customer = UUID(ann.subject)
        await notifications.tell(order_created(customer_id=customer))
        await notifications.reach(1, channel="email", status="sent")
        (mail,) = notifications.journals().smtp
        raw = (tmp_path / "mail" / f"{mail.n}.eml").read_text()
        (link,) = [line for line in raw.splitlines() if line.startswith("List-Unsubscribe: ")]
        path = urlsplit(link.split("<")[1].rstrip(">")).path
        async with notifications.service.http.get(notifications.service.url + path) as asked:
            assert (asked.status, asked.content_type) == (200, "text/html")
            assert 'method="post"' in await asked.text()
        assert await notifications.connection.fetchval("SELECT count(*) FROM readers") == 0
        for _ in range(2):
            one_click = {"List-Unsubscribe": "One-Click"}
            async with notifications.service.http.post(notifications.service.url + path, data=one_click) as clicked:
                assert clicked.status == 200
        _, wishes = await notifications.service.call("GET", PREFERENCES, principal=ann)
        assert wishes["refused"] == [{"topic": "orders", "channel": "email"}]
        await notifications.tell(order_paid(customer_id=customer))
        await notifications.reach(2, channel="in_app")
        assert len(await notifications.deliveries(channel="email")) == 1


async def test_a_forged_link_unsubscribes_nobody(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        path = f"{PREFERENCES.rpartition('/')[0]}/unsubscribe/{UUID(int=7).hex}.orders.{'0' * 64}"
        for method in ("GET", "POST"):
            status, problem = await service.call(method, path, anonymous=True)
            assert (status, problem["code"]) == (404, "unknown_link")
