"""Many at once: no seller has more endpoints than there may be, no refusal is lost, no message is read twice."""

import asyncio
from uuid import UUID

import pytest

from svc.notifications.domain import Topic, UnsubscribeLinks
from svc.notifications.domain.sellers import ENDPOINTS_MAX
from tests.support.notifying import FEED, PREFERENCES, reader
from tests.support.probes import person
from tests.support.rows import add_letters
from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("notifications")

AT_ONCE = 50


async def test_of_fifty_endpoints_asked_for_at_once_as_many_are_made_as_there_may_be(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, webhook_loopback=True, **API_ONLY) as service:
        seller = person("seller")
        wishes = [{"url": f"https://127.0.0.1:2000/{n}", "events": ["order.paid"]} for n in range(AT_ONCE)]
        answers = await asyncio.gather(
            *(service.call("POST", f"{FEED}/webhooks", principal=seller, json=wish) for wish in wishes)
        )
        statuses = sorted(status for status, _ in answers)
        assert statuses == [201] * ENDPOINTS_MAX + [422] * (AT_ONCE - ENDPOINTS_MAX)
        made = (await service.call("GET", f"{FEED}/webhooks", principal=seller))[1]["items"]
        assert len(made) == ENDPOINTS_MAX


async def test_clicks_in_two_mails_at_once_end_both_kinds(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        links = UnsubscribeLinks(service.settings.internal_secret)
        ann = reader()
        tokens = [links.token(UUID(ann.subject), topic) for topic in (Topic.ORDERS, Topic.SHIPPING)]

        async def click(token):
            async with service.http.post(f"{service.url}{FEED}/unsubscribe/{token}") as answer:
                return answer.status

        assert set(await asyncio.gather(*(click(tokens[n % 2]) for n in range(AT_ONCE)))) == {200}
        refused = (await service.call("GET", PREFERENCES, principal=ann))[1]["refused"]
        assert [one["topic"] for one in refused] == ["orders", "shipping"]


async def test_a_message_that_is_read_in_many_windows_at_once_was_read_once(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        await add_letters(service, UUID(ann.subject), 3)
        newest = (await service.call("GET", FEED, principal=ann))[1]["items"][0]
        body = {"up_to": newest["id"]}
        answers = await asyncio.gather(
            *(service.call("POST", f"{FEED}/read", principal=ann, json=body) for _ in range(AT_ONCE))
        )
        assert {status for status, _ in answers} == {200}
        assert sum(told["marked"] for _, told in answers) == 3
