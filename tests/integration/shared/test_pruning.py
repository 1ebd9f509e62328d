"""What nobody asks for any more is forgotten, and nothing else."""

import pytest

from shared.pruning import LIBRARY_RULES, WEBHOOKS, prune
from svc.orders.jobs import SAGA_ATTEMPTS
from tests.support.services import opened_database

AGES = (1, 9)
FILLED = {
    "inbox": (
        "INSERT INTO inbox (consumer, event_id, type, aggregate_id, aggregate_version, applied_at) "
        "VALUES ('c', gen_random_uuid(), 't', 'a', 1, clock_timestamp() - make_interval(days => $1))"
    ),
    "dead_letters": (
        "INSERT INTO dead_letters (consumer, topic, partition, offset_, reason, detail, attempts, payload, "
        "published_at, redriven_at) VALUES ('c', 't', 0, $1::integer, 'r', 'd', 1, '', clock_timestamp(), "
        "clock_timestamp() - make_interval(days => $1::integer))"
    ),
    "idempotency_keys": (
        "INSERT INTO idempotency_keys (scope, key, fingerprint, status, lease_until, answer_status, created_at) "
        "VALUES ('s', 'k' || $1::integer, '', 'completed', clock_timestamp(), 200, "
        "clock_timestamp() - make_interval(hours => ($1::integer - 1) * 4))"
    ),
    "webhooks": (
        "INSERT INTO webhooks (event_id, type, payload, applied_at, outcome) "
        "VALUES ('e' || $1::integer, 't', '', clock_timestamp() - make_interval(days => $1), 'applied')"
    ),
    "saga_attempts": (
        "INSERT INTO saga_attempts (order_id, step, number, outcome, at) "
        "VALUES (gen_random_uuid(), 's', 1, 'o', clock_timestamp() - make_interval(days => $1))"
    ),
}
KEPT = (
    "INSERT INTO dead_letters (consumer, topic, partition, offset_, reason, detail, attempts, payload, created_at) "
    "VALUES ('c', 't', 1, 1, 'r', 'd', 1, '', clock_timestamp() - interval '90 days')"
)
RULES = {rule.table: ("payments", rule) for rule in (*LIBRARY_RULES, WEBHOOKS)} | {
    "saga_attempts": ("orders", SAGA_ATTEMPTS)
}


@pytest.mark.parametrize("table", FILLED)
async def test_only_old_rows_are_forgotten(engines, table):
    service, rule = RULES[table]
    async with opened_database(engines, service) as database:
        async with database.begin() as uow:
            for age in AGES:
                await uow.connection.execute(FILLED[table], age)
            await uow.connection.execute(KEPT)
        assert await prune(database, rule) == 1
        assert await prune(database, rule) == 0
        async with database.acquire() as connection:
            left = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 test constants
        assert left == (2 if table == "dead_letters" else 1)
