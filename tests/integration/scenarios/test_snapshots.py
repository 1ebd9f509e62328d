"""The judges' third contract: every audit view exists, has its columns, and fits the judges' rows."""

import asyncpg
import pytest

from compose.stack import load
from scenarios import snapshots as snapshots_module
from scenarios.snapshots import take_snapshots
from tests.support.engines import EngineUrls
from tests.support.services import database_of

AUDITED = tuple(service.name for service in load().audited)


@pytest.mark.parametrize("service", AUDITED)
async def test_every_view_of_a_service_fits_its_row(engines: EngineUrls, service: str) -> None:
    async with database_of(engines, service) as url:
        snapshots = await take_snapshots({service: url})
    assert [problem for problem in snapshots.problems if problem.startswith(f"{service}.")] == []


async def test_rows_are_read_with_times_as_epoch_seconds(engines: EngineUrls) -> None:
    async with database_of(engines, "orders") as url:
        await _execute(
            url,
            "INSERT INTO inbox VALUES ('orders', gen_random_uuid(), 'order.paid', 'a', 3, to_timestamp(1234.5))",
            "INSERT INTO dead_letters (consumer, topic, partition, offset_, reason, detail, attempts, payload) "
            "VALUES ('orders', 't', 0, 7, 'poison', '', 1, '')",
        )
        snapshots = await take_snapshots({"orders": url})
    (row,) = snapshots.tables.inbox
    assert (row.service, row.consumer, row.aggregate_version, row.applied_at) == ("orders", "orders", 3, 1234.5)
    (letter,) = snapshots.tables.dead_letters
    assert (letter.event_id, letter.redriven_at) == ("", None)


async def test_a_view_that_is_gone_is_a_problem_and_the_others_are_read(engines: EngineUrls) -> None:
    async with database_of(engines, "orders") as url:
        await _execute(
            url,
            "INSERT INTO inbox VALUES ('orders', gen_random_uuid(), 'order.paid', 'a', 3, now())",
            "DROP VIEW audit.outbox",
        )
        snapshots = await take_snapshots({"orders": url})
    problems = [problem for problem in snapshots.problems if problem.startswith("orders.")]
    assert len(problems) == 1
    assert problems[0].startswith("orders.outbox: ")
    assert len(snapshots.tables.inbox) == 1


async def test_a_server_that_dies_while_it_is_read_is_a_problem(
    engines: EngineUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies = "SELECT pg_terminate_backend(pg_backend_pid())"
    monkeypatch.setattr(
        snapshots_module, "select_statement", lambda view: dies if view.name == "outbox" else "SELECT 1"
    )
    async with database_of(engines, "orders") as url:
        snapshots = await take_snapshots({"orders": url}, only={"orders.outbox", "orders.inbox"})
    assert [problem for problem in snapshots.problems if problem.startswith("orders")]


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_only_the_views_that_were_named_are_read(engines: EngineUrls) -> None:
    async with database_of(engines, "orders") as url:
        await _execute(
            url,
            "INSERT INTO inbox VALUES ('orders', gen_random_uuid(), 'order.paid', 'a', 3, now())",
            "DROP VIEW audit.outbox",
        )
        snapshots = await take_snapshots({"orders": url}, only={"orders.inbox", "orders.orders"})
        assert (snapshots.problems, len(snapshots.tables.inbox)) == ([], 1)
        snapshots = await take_snapshots({"orders": url}, only={"orders.orders", "payments.ledger"})
    assert snapshots.tables.inbox == []
    assert snapshots.problems == ["payments.ledger: no database was named"]
