"""When a fleet has come to rest, by its own audit views, the broker's offsets and the outside world."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from compose.engines import boot
from compose.engines.running import start
from compose.layout import Layout, default_cache
from compose.operator_error import OperatorError
from scenarios import quiescence
from scenarios.fleet import Fleet
from scenarios.quiescence import Quiescence, quiesce
from tests.support.apps import DECLARED, WITH_DATABASE
from tests.support.bare_fleet import BareFleet, bare_fleet
from tests.support.engines import EngineUrls, free_port_base
from tests.support.services import free_port, until
from tests.support.world import behave, pay, receiver

LOOK_S = 1.5
REST_S = 20.0
STANDS_STILL_S = 5.0
"""Long beside the stillness of the tests, however slow the machine."""


async def look(bare: BareFleet, *, since: float = 0.0) -> dict[str, int]:
    """What is open, as seen within a look that is too short to wait for its end."""
    found = await quiesce(bare.fleet, since=since, deadline_s=LOOK_S)
    assert found.reached == (not found.waits_for)
    return found.waits_for


async def rested(bare: BareFleet) -> Quiescence:
    return await quiesce(bare.fleet, since=0.0, deadline_s=REST_S)


@asynccontextmanager
async def topic(engines: EngineUrls, name: str, *, records: int) -> AsyncIterator[str]:
    """A topic of two partitions, all its records in the first; gone afterwards."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka)
    producer = AIOKafkaProducer(bootstrap_servers=engines.kafka, acks="all")
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
        await producer.start()
        for number in range(records):
            await producer.send_and_wait(name, str(number).encode(), partition=0)
        yield name
    finally:
        await producer.stop()
        await admin.delete_topics([name])
        await admin.close()


async def commit(engines: EngineUrls, group: str, topic_name: str, offset: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=engines.kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic_name, 0)
        consumer.assign([partition])
        await consumer.commit({partition: offset})
    finally:
        await consumer.stop()


async def test_a_fleet_without_work_is_at_rest(engines: EngineUrls, prefix: str, tmp_path: Path) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        found = await rested(bare)
    assert (found.reached, found.waits_for) == (True, {})


OPEN_WORK = {
    "search: documents not indexed": (
        "search",
        "INSERT INTO documents (product_id, version, deleted) VALUES (gen_random_uuid(), 1, true)",
        "UPDATE documents SET indexed_version = version",
    ),
    **{
        f"{service}: stock not looked at": (
            service,
            "INSERT INTO stock_seen (sku, marks, seen) VALUES ('A', 1, 0)",
            "UPDATE stock_seen SET seen = marks, available = 1",
        )
        for service in ("catalog", "search")
    },
    "orders: running sagas": (
        "orders",
        "INSERT INTO sagas (order_id, customer_id, scope, key, step, status, deadline_at, due_at, draft) "
        "VALUES (gen_random_uuid(), gen_random_uuid(), 's', 'k', 'reserving', 'running', now(), now(), '')",
        "UPDATE sagas SET status = 'completed', ended_at = now()",
    ),
    "orders: requests in flight": (
        "orders",
        "INSERT INTO idempotency_keys (scope, key, fingerprint, status, lease_until) "
        "VALUES ('s', 'k', '', 'in_flight', now())",
        "DELETE FROM idempotency_keys",
    ),
    "payments: open payments": (
        "payments",
        "INSERT INTO payments (id, order_id, order_number, customer_id, email, amount_minor, currency, "
        "payment_method, status) "
        "VALUES (gen_random_uuid(), gen_random_uuid(), 'SO', gen_random_uuid(), 'e', 100, 'EUR', 't', 'unknown')",
        "UPDATE payments SET status = 'captured', captured_minor = 100, refund_reserved_minor = 50",
    ),
    "payments: open authorisations": (
        "payments",
        "INSERT INTO authorisations (payment_id, order_id, psp_payment_id, authorised_minor, currency, decided_by, "
        "decided_at, expires_at, due_at) SELECT id, order_id, 'p', 100, 'EUR', 'me', now(), now(), now() FROM payments",
        "UPDATE authorisations SET status = 'voided'",
    ),
    "payments: open refunds": (
        "payments",
        "INSERT INTO refunds (id, payment_id, psp_payment_id, amount_minor, currency, reason, requested_by, status, "
        "idempotency_key) SELECT gen_random_uuid(), id, 'p', 50, 'EUR', 'r', 'me', 'processing', 'k' FROM payments",
        "UPDATE refunds SET status = 'succeeded', psp_refund_id = 'r'",
    ),
    "analytics: unprojected events": (
        "analytics",
        "INSERT INTO unprojected (position, occurred_at) VALUES (1, now())",
        "DELETE FROM unprojected",
    ),
    "auth: letters asked for": (
        "auth",
        "INSERT INTO letter_requests (id, kind, email, expires_at) "
        "VALUES (gen_random_uuid(), 'password_reset', 'a@b', now())",
        "UPDATE letter_requests SET outcome = 'nobody'",
    ),
    "notifications: unsent messages": (
        "notifications",
        "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, context, message_id) "
        "VALUES (gen_random_uuid(), gen_random_uuid(), 't', 'email', 'a@b', gen_random_uuid(), '{}', 'm')",
        "UPDATE deliveries SET status = 'failed'",
    ),
    **{
        f"{service}: unsent events": (
            service,
            "INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload) "
            "VALUES (gen_random_uuid(), 't', 'x', 'a', 1, '')",
            "UPDATE outbox SET sent_at = now()",
        )
        for service in WITH_DATABASE
    },
}


async def test_every_kind_of_open_work_is_named_and_no_longer_when_it_is_done(
    engines: EngineUrls, prefix: str, tmp_path: Path
) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        for service, begin, _ in OPEN_WORK.values():
            await bare.rows(service, begin)
        assert await look(bare) == dict.fromkeys(OPEN_WORK, 1)
        waiting = asyncio.create_task(rested(bare))
        for service, _, finish in OPEN_WORK.values():
            assert not waiting.done()
            await bare.rows(service, finish)
        assert (await waiting).reached


class _GettingOn(Fleet):
    """A fleet that gets one thing done between two looks."""

    bare: BareFleet

    async def world(self, name: str, method: str, path: str, *, json: object = None) -> Any:
        if path == "/tap":
            await self.bare.rows(
                "orders",
                "UPDATE outbox SET sent_at = now() WHERE id = (SELECT min(id::text)::uuid FROM outbox "
                "WHERE sent_at IS NULL)",
            )
        return await super().world(name, method, path, json=json)


async def test_a_fleet_that_gets_on_is_waited_for_beyond_the_deadline(
    engines: EngineUrls, prefix: str, tmp_path: Path
) -> None:
    deadline_s = 3.0
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare, _GettingOn(bare.layout, bare.fleet.stack) as fleet:
        fleet.bare = bare
        await bare.rows(
            "orders",
            "INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload) "
            "SELECT gen_random_uuid(), 't', 'x', 'a', number, '' FROM generate_series(1, $1) AS number",
            round(2 * deadline_s / quiescence.POLL_S),
        )
        found = await quiesce(fleet, since=0.0, deadline_s=deadline_s)
    assert (found.reached, found.after_s > deadline_s) == (True, True)


WAITS_FOR_AN_EVENT = "UPDATE sagas SET step = 'compensating', deadline_at = now() + interval '1 hour'"
HOLD = """
    WITH shelf AS (
        INSERT INTO stock (warehouse, sku, on_hand, reserved) VALUES ('main', 'A', 1, 1)
    ), hold AS (
        INSERT INTO reservations (id, customer_id, status, expires_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), 'held', now() + make_interval(secs => $1)) RETURNING id
    )
    INSERT INTO reservation_lines (reservation_id, warehouse, sku, quantity) SELECT id, 'main', 'A', 1 FROM hold
"""


@pytest.mark.parametrize(
    ("saga", "hold_s", "given_up"),
    [
        (WAITS_FOR_AN_EVENT, None, True),
        (WAITS_FOR_AN_EVENT, 60.0, True),
        (WAITS_FOR_AN_EVENT, STANDS_STILL_S - 0.2, False),
        ("UPDATE sagas SET deadline_at = now() + interval '1 hour'", None, False),
        (f"{WAITS_FOR_AN_EVENT}, lease_until = now() + interval '4.8 seconds'", None, False),
    ],
    ids=["waits for an event", "a hold runs out later", "a hold runs out soon", "is tried again", "a lease runs out"],
)
async def test_a_fleet_that_stands_still_is_given_up_early_only_when_nothing_sets_it_going(
    engines: EngineUrls,
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    saga: str,
    hold_s: float | None,
    given_up: bool,
) -> None:
    monkeypatch.setattr(quiescence, "STILL_S", 0.5)
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        await bare.rows("orders", OPEN_WORK["orders: running sagas"][1])
        await bare.rows("orders", saga)
        if hold_s is not None:
            await bare.rows("inventory", HOLD, hold_s)
        found = await quiesce(bare.fleet, since=0.0, deadline_s=STANDS_STILL_S)
    assert found.waits_for == {"orders: running sagas": 1}
    assert (found.after_s < STANDS_STILL_S) is given_up


@pytest.mark.parametrize(
    ("also_open", "unsent_s", "given_up"),
    [
        ("orders: unsent events", 0.5, True),
        ("orders: unsent events", 2 * STANDS_STILL_S, False),
        ("orders: requests in flight", 0.5, False),
        ("notifications: unsent messages", 0.5, False),
    ],
    ids=["events for long", "events not for long", "requests", "mails"],
)
async def test_what_else_is_open_has_its_own_time_while_a_fleet_stands_still(
    engines: EngineUrls,
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    also_open: str,
    unsent_s: float,
    given_up: bool,
) -> None:
    monkeypatch.setattr(quiescence, "STILL_S", 0.2)
    monkeypatch.setattr(quiescence, "UNSENT_S", unsent_s)
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        await bare.rows("orders", OPEN_WORK["orders: running sagas"][1])
        await bare.rows("orders", WAITS_FOR_AN_EVENT)
        service, begin, _ = OPEN_WORK[also_open]
        await bare.rows(service, begin)
        found = await quiesce(bare.fleet, since=0.0, deadline_s=STANDS_STILL_S)
    assert found.waits_for == {"orders: running sagas": 1, also_open: 1}
    assert (found.after_s < STANDS_STILL_S) is given_up


class _Interrupted(Fleet):
    """A fleet that gets work just after the first look found it calm."""

    bare: BareFleet
    looks = 0

    async def world(self, name: str, method: str, path: str, *, json: object = None) -> Any:
        answer = await super().world(name, method, path, json=json)
        if path == "/tap":
            self.looks += 1
            if self.looks == 1:
                assert answer["caught_up"]
                service, begin, _ = OPEN_WORK["orders: running sagas"]
                await self.bare.rows(service, begin)
        return answer


async def test_one_calm_look_is_not_rest(engines: EngineUrls, prefix: str, tmp_path: Path) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        assert (await rested(bare)).reached
        async with _Interrupted(bare.layout, bare.fleet.stack) as fleet:
            fleet.bare = bare
            found = await quiesce(fleet, since=0.0, deadline_s=LOOK_S)
    assert (found.reached, found.waits_for) == (False, {"orders: running sagas": 1})


async def test_work_that_began_before_the_run_is_not_waited_for(
    engines: EngineUrls, prefix: str, tmp_path: Path
) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        for name in ("orders: running sagas", "orders: requests in flight", "payments: open payments"):
            service, begin, _ = OPEN_WORK[name]
            await bare.rows(service, begin)
        assert len(await look(bare)) == 3
        assert await look(bare, since=time.time() + 60) == {}


async def test_events_a_group_has_not_committed_are_behind(engines: EngineUrls, prefix: str, tmp_path: Path) -> None:
    async with (
        bare_fleet(engines, tmp_path, prefix=prefix, kafka_bootstrap=engines.kafka) as bare,
        topic(engines, f"{prefix}orders", records=5) as name,
    ):
        await commit(engines, "payments", name, 2)
        await commit(engines, "shipping", name, 5)
        await commit(engines, "somebody.else", name, 0)
        assert await look(bare) == {"payments: events behind": 3}
        waiting = asyncio.create_task(rested(bare))
        await commit(engines, "payments", name, 4)
        assert not waiting.done()
        await commit(engines, "payments", name, 5)
        assert (await waiting).reached


async def test_events_of_a_partition_that_a_group_never_committed_are_behind(engines: EngineUrls, prefix: str) -> None:
    """A dead consumer's part of a young fleet: nothing is committed there, and nothing of it has been applied."""
    async with (
        topic(engines, f"{prefix}orders", records=5) as name,
        await quiescence._connected_broker(engines.kafka, deadline_s=REST_S) as broker,
    ):
        consumed = {"payments": {name}}
        assert await broker.lag(consumed) == {"payments: events behind": 5}
        await commit(engines, "payments", name, 5)
        assert await broker.lag(consumed) == {}


async def test_a_tap_that_cannot_see_the_broker_is_not_at_rest(
    engines: EngineUrls, prefix: str, tmp_path: Path
) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix, kafka_bootstrap=f"127.0.0.1:{free_port()}") as bare:
        assert await look(bare) == {"tap: records behind": 1}


async def test_webhooks_that_are_still_owed_are_waited_for(engines: EngineUrls, prefix: str, tmp_path: Path) -> None:
    async with receiver() as gateway, bare_fleet(engines, tmp_path, prefix=prefix, gateway_url=gateway.url) as bare:
        await behave(bare.world, webhook_delay_s=3.0)
        await pay(bare.world)
        assert set(await look(bare)) == {"psp: pending webhooks"}
        assert (await rested(bare)).reached
        assert gateway.types()


async def test_databases_that_were_just_killed_are_asked_again(
    engines: EngineUrls, prefix: str, tmp_path: Path
) -> None:
    server = urlsplit(engines.postgres)
    async with (
        bare_fleet(engines, tmp_path, prefix=prefix) as bare,
        _door(free_port(), f"{server.hostname}:{server.port}", closed_for=30) as door,
    ):
        behind_the_door = bare.fleet.stack.audit_url.replace(f":{server.port}/", f":{door.port}/")
        stack = msgspec.structs.replace(bare.fleet.stack, audit_url=behind_the_door)
        async with Fleet(bare.layout, stack) as fleet:
            first = await quiesce(fleet, since=0.0, deadline_s=0.0)
            assert set(first.waits_for) == {f"{service}: database does not answer" for service in WITH_DATABASE}
            assert (await quiesce(fleet, since=0.0, deadline_s=REST_S)).reached


async def test_a_world_that_is_away_is_not_at_rest(engines: EngineUrls, prefix: str, tmp_path: Path) -> None:
    async with bare_fleet(engines, tmp_path, prefix=prefix) as bare:
        assert (await rested(bare)).reached
        await bare.world.stop()
        assert await look(bare) == {"world: does not answer": 1}


async def test_a_broker_that_cannot_say_how_far_its_groups_are_is_asked_again(tmp_path: Path) -> None:
    """A new broker has no coordinator of groups yet, a killed one has none for a while."""
    layout = Layout(tmp_path, default_cache(), free_port_base())
    running = await boot(layout, only=("kafka",))
    try:
        async with await quiescence._connected_broker(running.urls["kafka"], deadline_s=REST_S) as broker:
            await until(lambda: _nobody_behind(broker))
            kafka = running.engines["kafka"]
            kafka.process.send(signal.SIGKILL)
            await kafka.process.ended.wait()
            assert await broker.lag({"orders": set()}) == {"kafka: does not answer": 1}
            running.engines["kafka"] = await start(kafka.engine, layout)
            await until(lambda: _nobody_behind(broker))
    finally:
        await running.stop()


async def _nobody_behind(broker: quiescence._Broker) -> bool:
    return await broker.lag({"orders": set()}) == {}


async def test_a_broker_that_is_away_is_an_operators_matter_after_the_deadline() -> None:
    with pytest.raises(OperatorError) as refusal:
        await quiescence._connected_broker(f"127.0.0.1:{free_port()}", deadline_s=0.5)
    assert (refusal.value.code, refusal.value.exit_code) == ("kafka.away", 3)


async def test_a_broker_that_was_just_killed_gets_its_time_to_come_back(engines: EngineUrls) -> None:
    port = free_port()
    starting = asyncio.create_task(quiescence._connected_broker(f"127.0.0.1:{port}", deadline_s=REST_S))
    async with _door(port, engines.kafka, closed_for=3) as door, await starting as broker:
        assert door.knocks > 3
        await broker.lag({})


@dataclass
class _Door:
    port: int
    knocks: int = 0


@asynccontextmanager
async def _door(port: int, target: str, *, closed_for: int) -> AsyncIterator["_Door"]:
    """A relay to an engine that hangs up on the first callers."""
    door = _Door(port)
    host, _, target_port = target.partition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.knocks += 1
        if door.knocks <= closed_for:
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection(host, int(target_port))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield door


def test_every_table_of_open_work_is_covered_here() -> None:
    """A new kind of open work needs a row above."""
    named = {f"{service}: {name}" for service, word in DECLARED.items() for name in word.open_work}
    assert named <= OPEN_WORK.keys()
