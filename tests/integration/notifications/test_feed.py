"""The feed: what was said, newest first, what of it was read, and nothing of anybody else."""

from uuid import UUID, uuid4

import pytest

from tests.support.notifying import FEED, reader
from tests.support.rows import add_letters
from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("notifications")


async def _feed(service, who, query=""):
    return (await service.call("GET", FEED + query, principal=who))[1]["items"]


async def _unread(service, who):
    return (await service.call("GET", f"{FEED}/unread-count", principal=who))[1]["unread"]


async def test_a_message_is_new_until_it_was_read_and_may_be_new_again(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        await add_letters(service, UUID(ann.subject), 3)
        newest, middle, oldest = await _feed(service, ann)
        assert newest["created_at"] > oldest["created_at"]
        assert (newest["title"], newest["read_at"]) == ("Your order SO-1", None)
        assert await _unread(service, ann) == 3
        path = f"{FEED}/{middle['id']}/read"
        assert (await service.call("PUT", path, principal=ann))[0] == 204
        first = [item["read_at"] for item in await _feed(service, ann)]
        assert [at is None for at in first] == [True, False, True]
        assert (await service.call("PUT", path, principal=ann))[0] == 204
        assert [item["read_at"] for item in await _feed(service, ann)] == first
        assert [item["id"] for item in await _feed(service, ann, "?unread=true")] == [newest["id"], oldest["id"]]
        assert (await service.call("DELETE", path, principal=ann))[0] == 204
        assert await _unread(service, ann) == 3


async def test_reading_up_to_a_message_leaves_what_came_since_unread(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        await add_letters(service, UUID(ann.subject), 3)
        newest, middle, _ = await _feed(service, ann)
        for marked in (2, 0):
            status, told = await service.call("POST", f"{FEED}/read", principal=ann, json={"up_to": middle["id"]})
            assert (status, told) == (200, {"marked": marked})
        assert [item["id"] for item in await _feed(service, ann, "?unread=true")] == [newest["id"]]


async def test_nobody_reads_what_is_anothers(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann, bob = reader(), reader()
        await add_letters(service, UUID(ann.subject), 1)
        ((theirs,), mine) = await _feed(service, ann), await _feed(service, bob)
        assert mine == []
        for thing in (theirs["id"], str(uuid4())):
            for method, path, body in (
                ("PUT", f"{FEED}/{thing}/read", None),
                ("DELETE", f"{FEED}/{thing}/read", None),
                ("POST", f"{FEED}/read", {"up_to": thing}),
            ):
                status, problem = await service.call(method, path, principal=bob, json=body)
                assert (status, problem["code"]) == (404, "unknown_notification"), (method, thing)
        assert await _unread(service, ann) == 1
        assert await _unread(service, bob) == 0


async def test_the_pages_of_the_feed_hold_every_message_once(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        await add_letters(service, UUID(ann.subject), 7)
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await service.call("GET", f"{FEED}?limit=3&cursor={cursor}".rstrip("="), principal=ann)
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 7
