from shared import idempotency
from shared.idempotency import Answer
from tests.support.services import opened_database


async def test_who_completes_a_key_that_another_completed_sends_the_answer_that_stands(engines):
    async with opened_database(engines, "orders") as database, database.begin() as uow:
        assert await idempotency.claim(uow.connection, "s", "k", fingerprint=b"f") is None
        first, second = Answer(409, b"sold out"), Answer(409, b"refused earlier")
        assert await idempotency.complete(uow.connection, "s", "k", first) == first
        assert await idempotency.complete(uow.connection, "s", "k", second) == first
        assert await idempotency.replay(uow.connection, "s", "k", fingerprint=b"f") == first
