"""Outbox and broker brought together again: events keep their ids, and what is stored already stays as it is."""

import json
from uuid import uuid4

import pytest

from shared.contracts import encode
from shared.contracts.auth import UserDeleted
from shared.outbox_repair import NotOurEvent, adopt, send_again
from tests.consumer.shared.conftest import SERVICE
from tests.consumer.shared.test_relay import _sent, _tell, relaying
from tests.support.services import envelope, opened_database, topics, until


def _told(user_id):
    return encode(envelope(UserDeleted(user_id=user_id), user_id)).decode()


async def test_an_event_that_the_broker_lost_is_sent_again_under_its_own_id_and_others_are_left_alone(engines, prefix):
    async with (
        topics(engines, prefix),
        opened_database(engines, SERVICE) as database,
        relaying(engines, prefix, database),
    ):
        await _tell(database)
        await _tell(database)
        await until(lambda: _sent(database, 2))
        async with database.acquire() as connection:
            before = await connection.fetch("SELECT id, sent_at FROM outbox ORDER BY position")
        async with database.begin() as uow:
            assert await send_again(uow.connection, [before[0]["id"], uuid4()]) == 1
        await until(lambda: _sent(database, 2))
        async with database.acquire() as connection:
            after = await connection.fetch("SELECT id, sent_at FROM outbox ORDER BY position")
        assert [row["id"] for row in after] == [row["id"] for row in before]
        assert after[0]["sent_at"] > before[0]["sent_at"]
        assert after[1]["sent_at"] == before[1]["sent_at"]


async def test_an_event_that_went_past_the_outbox_is_stored_once_and_as_sent(engines):
    user_id = uuid4()
    payload = _told(user_id)
    async with opened_database(engines, SERVICE) as database:
        for expected in (1, 0):
            async with database.begin() as uow:
                assert await adopt(uow.connection, "auth", [payload]) == expected
        async with database.acquire() as connection:
            row = await connection.fetchrow("SELECT * FROM outbox")
        assert (str(row["id"]), row["topic"], row["payload"]) == (json.loads(payload)["id"], "auth.events", payload)
        assert (row["aggregate_id"], row["aggregate_version"]) == (str(user_id), 1)
        assert row["sent_at"] is not None


async def test_a_version_that_a_row_tells_of_already_is_told_by_that_row_alone(engines):
    user_id = uuid4()
    async with opened_database(engines, SERVICE) as database:
        async with database.begin() as uow:
            uow.publish(UserDeleted(user_id=user_id), aggregate_id=user_id, aggregate_version=1)
        async with database.begin() as uow:
            assert await adopt(uow.connection, "auth", [_told(user_id)]) == 0


@pytest.mark.parametrize(
    "payload",
    [
        "{}",
        _told(uuid4()).replace('"version":1', '"version":9'),
        _told(uuid4()).replace("user.deleted", "nobody.knows"),
    ],
    ids=["no envelope", "of a newer release", "of no known type"],
)
async def test_what_is_no_event_of_the_service_is_refused_with_all_that_came_beside_it(engines, payload):
    user_id = uuid4()
    async with opened_database(engines, SERVICE) as database:
        with pytest.raises(NotOurEvent):
            async with database.begin() as uow:
                await adopt(uow.connection, "auth", [_told(user_id), payload])
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_an_event_of_another_service_is_refused(engines):
    async with opened_database(engines, SERVICE) as database, database.begin() as uow:
        with pytest.raises(NotOurEvent):
            await adopt(uow.connection, "orders", [_told(uuid4())])
