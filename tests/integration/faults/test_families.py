"""Every family on real engines: inject, the probe sees it, heal, it is gone, and healing again is harmless."""

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import aiosmtplib
import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from compose.operator_error import OperatorError
from scenarios.faults import by_hand, catalogue, events, network
from scenarios.faults.broker import BrokerAway, Rebalance
from scenarios.faults.catalogue import made
from scenarios.faults.clock import ClockOffset, LateDriver, ShortHolds
from scenarios.faults.database import SLOW, PoolSqueeze, SlowCommits, TableLock
from scenarios.faults.events import Delay, Duplicate, Poison, Reorder, Rewind, Shuffle
from scenarios.faults.handlers import Unprocessable
from scenarios.faults.knocking import knock
from scenarios.faults.mail import MailDefer, MailRefuse, MailTarpit
from scenarios.faults.network import Bandwidth, Blackhole, Down, Latency, Reset, Slicer
from scenarios.faults.processes import Kill, KillAt, KillForkParent, KillRelay, Pause, Restart
from scenarios.faults.psp import PspDecline, PspError, PspSlow, PspTimeout, WebhookStorm
from scenarios.faults.redis import CacheFlush, RedisPause
from scenarios.faults.resources import CpuBurn
from scenarios.faults.sessions import superuser
from shared.crash_points import Point
from tests.integration.faults.conftest import healthy

pytestmark = pytest.mark.timeout(360)
LINK_FAULTS = (
    Latency(target="payments:postgres", latency_ms=120),
    Latency(target="payments:redis", latency_ms=60, jitter_ms=30),
    Latency(target="orders:kafka", latency_ms=80),
    Latency(target="payments:psp", latency_ms=80),
    Latency(target="notifications:smtp", latency_ms=80),
    Latency(target="gateway:payments", latency_ms=80),
    Bandwidth(target="orders:redis", rate_kb_s=50),
    Slicer(target="orders:kafka", average_bytes=100),
    Reset(target="payments:redis"),
    Blackhole(target="payments:psp"),
    Down(target="payments:carrier"),
)


async def injected(fleet, fault):
    done = await fault.inject(fleet)
    if not done.confirmed:
        await done.heal()
    assert done.confirmed, (fault, done.probe)
    return done


@pytest.mark.parametrize("fault", LINK_FAULTS, ids=lambda it: f"{it.name} {it.target}")
async def test_a_link_suffers_and_recovers(fleet, fault):
    async with fleet:
        done = await injected(fleet, fault)
        (route,) = await network.routes_of(fleet, fault.target)
        (link,) = await network.open_links(fleet)
        assert link["name"] == route.name
        for _ in range(2):
            await done.heal()
        assert await network.open_links(fleet) == []
        assert not (await told(fleet, route.service))
        assert await knock(route.behind, int(route.address.rpartition(":")[2])) < 1
        await healthy(fleet)


async def told(fleet, service):
    """The detours a service has now."""
    found = []
    await network.controls.change(fleet, service, lambda it: found.append(it.detours) or it)
    return found[0]


async def test_a_service_really_goes_through_its_link(fleet):
    async with fleet:
        done = await injected(fleet, Latency(target="payments:postgres", latency_ms=200))
        began = time.monotonic()
        await fleet.call("payments", "POST", "/internal/dead-letters/redrive")
        assert time.monotonic() - began > 0.2
        (link,) = await network.open_links(fleet)
        assert link["connections"] > 0
        await done.heal()
        await healthy(fleet)


async def test_two_faults_of_one_link_are_healed_apart(fleet):
    async with fleet:
        slow = await injected(fleet, Latency(target="orders:redis", latency_ms=100))
        narrow = await injected(fleet, Bandwidth(target="orders:redis", rate_kb_s=40))
        down = await injected(fleet, Down(target="orders:redis"))
        await slow.heal()
        (link,) = await network.open_links(fleet)
        assert ({it["type"] for it in link["toxics"]}, link["down"]) == ({"bandwidth"}, True)
        await down.heal()
        (link,) = await network.open_links(fleet)
        assert ({it["type"] for it in link["toxics"]}, link["down"]) == ({"bandwidth"}, False)
        await narrow.heal()
        assert await network.open_links(fleet) == []


async def test_a_killed_service_still_goes_through_its_link(fleet):
    async with fleet:
        done = await injected(fleet, Latency(target="payments:redis", latency_ms=20))
        killed = await injected(fleet, Kill("payments-1"))
        await killed.heal()
        await asyncio.wait_for(connections(fleet), 20)
        await done.heal()
        await healthy(fleet)


async def connections(fleet):
    while not (await network.open_links(fleet))[0]["connections"]:
        await asyncio.sleep(0.05)


async def test_kafka_away_for_every_service_is_there_for_the_witness(fleet):
    async with fleet:
        done = await injected(fleet, BrokerAway())
        assert (await fleet.world("catcher", "GET", "/tap"))["connected"]
        await done.heal()
        await done.heal()
        await healthy(fleet)


@pytest.mark.parametrize("fault", [Kill("payments-1"), Restart("notifications-1"), Pause("orders-1"), RedisPause()])
async def test_processes_suffer_and_recover(fleet, fault):
    async with fleet:
        before = await fleet.process("redis" if fault.target == "redis" else fault.target)
        done = await injected(fleet, fault)
        for _ in range(2):
            await done.heal()
        after = await fleet.process(fault.target)
        assert (before["pid"] == after["pid"]) == fault.lasting
        await healthy(fleet)


async def test_the_fork_parent_takes_all_services_with_it_and_all_come_back(fleet):
    async with fleet:
        before = {it["name"]: it["pid"] for it in await fleet.processes()}
        done = await injected(fleet, KillForkParent())
        for _ in range(2):
            await done.heal()
        after = {it["name"]: it["pid"] for it in await fleet.processes()}
        stayed = {name for name, pid in before.items() if after[name] == pid}
        assert stayed == {it["name"] for it in await fleet.processes() if it["kind"] == "engine"}
        await healthy(fleet)


@pytest.mark.parametrize("point", get_args(Point))
async def test_a_process_dies_at_a_point_of_its_work_and_comes_back(fleet, point):
    async with fleet:
        before = await fleet.process("payments-1")
        dying = asyncio.create_task(injected(fleet, KillAt("payments", point=point, work="apply_webhooks")))
        paid = 0
        while not dying.done():
            await pay(fleet, f"{point} {paid}")
            paid += 1
            await asyncio.sleep(0.1)
        done = await dying
        assert done.probe == f"payments-1 died {point.replace('-', ' ')} of apply_webhooks"
        for _ in range(2):
            await done.heal()
        assert (await fleet.process("payments-1"))["pid"] != before["pid"]
        await healthy(fleet)


async def test_whoever_relays_the_events_of_a_service_dies_and_its_successor_relays(fleet):
    async with fleet:
        before = await fleet.process("payments-1")
        done = await injected(fleet, KillRelay("payments"))
        assert done.probe == f"payments-1, pid {before['pid']} is gone"
        await done.heal()
        assert (await injected(fleet, KillRelay("payments"))).confirmed
        await done.heal()
        await healthy(fleet)


async def test_commits_of_some_aggregates_come_later_until_they_are_healed(fleet):
    async with fleet:
        done = await injected(fleet, SlowCommits(target="payments", one_in=3, later_ms=50))
        for _ in range(2):
            await done.heal()
        async with superuser(fleet, "payments") as connection:
            assert await connection.fetchval("SELECT count(*) FROM pg_trigger WHERE tgname = $1", SLOW) == 0
            assert await connection.fetchval("SELECT count(*) FROM outbox WHERE topic = 'probe'") == 0
        await healthy(fleet)


async def test_a_group_shares_out_its_partitions_anew(fleet):
    async with fleet:
        done = await injected(fleet, Rebalance("notifications"))
        assert await members(fleet, "notifications") == 2
        await done.heal()
        await done.heal()
        assert await members(fleet, "notifications") == 1
        await healthy(fleet)


async def members(fleet, group):
    admin = AIOKafkaAdminClient(bootstrap_servers=fleet.stack.urls["kafka_bootstrap"])
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([group])
        return len(described.groups[0][5])
    finally:
        await admin.close()


async def test_events_come_again_shuffled_broken_and_rewound(fleet):
    async with fleet:
        topic = "orders.events"
        done = await injected(fleet, Poison(topic))
        await done.heal()
        records = await events.last_records(fleet, topic, 100)
        assert len(records) >= 8
        await injected(fleet, Duplicate(target=topic, records_max=4, copies=2))
        await injected(fleet, Reorder(target=topic, records_max=8, seed=3))
        assert len(await events.last_records(fleet, topic, 1_000)) == len(records) + 8 + 8
        await read(fleet, "payments")
        done = await injected(fleet, Rewind("payments", records_max=10, topic=topic))
        await done.heal()
        await healthy(fleet)


async def test_what_cannot_be_applied_is_refused_until_it_is_mended(fleet):
    async with fleet:
        done = await injected(fleet, Unprocessable(target="orders", event="payment.processed", one_in=3))
        assert "payment.processed" in done.probe
        for _ in range(2):
            await done.heal()
        url = fleet.stack.urls["postgres"].rpartition("/")[0] + "/orders"
        connection = await asyncpg.connect(url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'fault%'") == 0
            assert await connection.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'probe'") == 0
        finally:
            await connection.close()
        await healthy(fleet)


async def test_events_nobody_has_seen_come_out_of_order_and_then_in_order(fleet):
    async with fleet:
        subject = f"shuffled-{time.time_ns()}"
        done = await injected(fleet, Shuffle("orders", seed=3))
        url = fleet.stack.urls["postgres"].rpartition("/")[0] + "/orders"
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                "INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload) "
                "SELECT gen_random_uuid(), 'orders.events', 'order.unknown', $1, number, number::text "
                "FROM generate_series(1, 20) number",
                subject,
            )
        finally:
            await connection.close()
        await done.heal()
        told: list[events.Record] = []
        async with asyncio.timeout(30):
            while len(told) < 40:
                newest = await events.last_records(fleet, "orders.events", 1_000)
                told = [it for it in newest if it.key == subject.encode()]
        versions = [int(it.value) for it in sorted(told, key=lambda it: it.offset)]
        assert sorted(versions[:20]) == versions[20:] == list(range(1, 21))
        assert versions[:20] != versions[20:]
        await healthy(fleet)


async def read(fleet, service):
    """Wait until a service has read everything."""
    async with asyncio.timeout(60):
        while next(it["lag"] for it in (await fleet.supervise("status"))["processes"] if it["component"] == service):
            await asyncio.sleep(0.1)


async def test_what_is_read_nothing_of_cannot_be_rewound(fleet, monkeypatch):
    monkeypatch.setattr(events, "REWOUND_S_MAX", 1.0)
    async with fleet:
        done = await Rewind("notifications", records_max=1, topic="catalog.events").inject(fleet)
        assert not done.confirmed


@pytest.mark.parametrize("fault", [Delay("orders"), Shuffle("orders")], ids=lambda it: it.name)
async def test_a_service_keeps_its_events_until_the_relay_has_its_lock_again(fleet, fault):
    async with fleet:
        done = await injected(fleet, fault)
        await done.heal()
        await done.heal()
        url = fleet.stack.urls["postgres"].rpartition("/")[0] + "/orders"
        connection = await asyncpg.connect(url)
        try:
            async with asyncio.timeout(20):
                while not await connection.fetchval(
                    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.granted AND a.usename = 'orders'"
                ):
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()


async def pay(fleet, reference, *, timeout_s=5.0):
    body = {"merchant_reference": reference, "amount_minor": 100, "currency": "EUR", "payment_method": "tok_visa"}
    headers = {"Idempotency-Key": reference}
    url = f"{fleet.stack.urls['psp']}/v1/payments"
    async with fleet.http.post(url, json=body, headers=headers) as answer:
        return answer.status, (await answer.json())["status"] if answer.status == 201 else ""


async def test_the_psp_declines_and_accepts_again(fleet):
    async with fleet:
        done = await injected(fleet, PspDecline())
        assert await pay(fleet, "declined") == (201, "declined")
        for _ in range(2):
            await done.heal()
        assert await pay(fleet, "accepted") == (201, "captured")


async def test_faults_of_the_psp_are_parts_of_one_programme(fleet):
    async with fleet:
        faults = [PspError(rate=0.5), PspTimeout(rate=0.2), PspSlow(rate=0.2, slow_s=0.1), WebhookStorm()]
        done = await asyncio.gather(*(injected(fleet, fault) for fault in faults))
        await done[0].heal()
        now = await fleet.world("psp", "GET", "/control/behaviour")
        assert (now["error_then_success_rate"], now["timeout_after_success_rate"], now["webhook_copies"]) == (0, 0.2, 5)
        for one in done:
            await one.heal()
        healthy_programme = await fleet.world("psp", "POST", "/control/reset")
        now = await fleet.world("psp", "GET", "/control/behaviour")
        assert now == healthy_programme


async def test_a_psp_fault_that_the_psp_refuses_is_refused(fleet):
    async with fleet:
        with pytest.raises(OperatorError):
            await PspDecline(rate=7.0).inject(fleet)
        assert (await fleet.world("psp", "GET", "/control/behaviour"))["decline_rate"] == 0


async def send_mail(fleet):
    address = fleet.stack.urls["smtp"].removeprefix("smtp://")
    host, _, port = address.partition(":")
    message = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\nx\r\n"
    return await aiosmtplib.send(
        message, sender="a@example.com", recipients=["b@example.com"], hostname=host, port=int(port), start_tls=False
    )


async def test_mail_is_deferred_slow_refused_and_taken_again(fleet):
    async with fleet:
        done = await injected(fleet, MailDefer())
        with pytest.raises(aiosmtplib.SMTPDataError):
            await send_mail(fleet)
        await done.heal()
        slow = await injected(fleet, MailTarpit(tarpit_s=0.5))
        began = time.monotonic()
        await send_mail(fleet)
        assert time.monotonic() - began > 0.5
        for _ in range(2):
            await slow.heal()
        refused = await injected(fleet, MailRefuse())
        for _ in range(2):
            await refused.heal()
        await send_mail(fleet)


async def test_redis_forgets_some_or_all(fleet):
    async with fleet:
        redis = Redis.from_url(fleet.stack.urls["redis"])
        await redis.set("mine:1", "x")
        await redis.set("yours:1", "x")
        await injected(fleet, CacheFlush(pattern="mine:*"))
        assert (await redis.exists("mine:1"), await redis.exists("yours:1")) == (0, 1)
        done = await injected(fleet, CacheFlush())
        assert await redis.exists("yours:1") == 0
        await done.heal()
        await redis.aclose()
        await healthy(fleet)


async def test_a_service_gets_fewer_connections_and_all_again(fleet):
    async with fleet:
        done = await injected(fleet, PoolSqueeze("payments", connections=1))
        mine = fleet.stack.urls["database_payments"]
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await two_connections(mine)
        for _ in range(2):
            await done.heal()
        for _ in range(8):
            await (await asyncpg.connect(mine)).close()
        await healthy(fleet)


async def two_connections(url):
    async with AsyncExitStack() as opened:
        for _ in range(2):
            opened.push_async_callback((await asyncpg.connect(url)).close)


async def test_a_table_is_locked_and_free_again(fleet):
    async with fleet:
        done = await injected(fleet, TableLock("orders.inbox"))
        for _ in range(2):
            await done.heal()
        connection = await asyncpg.connect(
            fleet.stack.urls["database_orders"], server_settings={"lock_timeout": "2000"}
        )
        await connection.execute("SELECT 1 FROM inbox LIMIT 1")
        await connection.close()
        await healthy(fleet)


async def test_a_clock_is_wrong_and_right_again(fleet):
    async with fleet:
        done = await injected(fleet, ClockOffset("orders", offset_s=-7_200.0))
        for _ in range(2):
            await done.heal()
        (process,) = await fleet.instances("orders")
        answer = await fleet.call_process(process, "POST", "/internal/fault-controls")
        assert abs((datetime.fromisoformat(answer["now"]) - datetime.now(UTC)).total_seconds()) < 10


async def test_holds_run_out_early_and_get_their_time_again(fleet):
    async with fleet:
        done = await injected(fleet, ShortHolds(ttl_s=2.0))
        for _ in range(2):
            await done.heal()
        connection = await asyncpg.connect(fleet.stack.urls["database_inventory"])
        given = await connection.fetchval(
            "INSERT INTO reservations (id, customer_id, status, expires_at) VALUES (gen_random_uuid(), "
            "gen_random_uuid(), 'held', clock_timestamp() + interval '1 hour') RETURNING expires_at - clock_timestamp()"
        )
        await connection.execute("DELETE FROM reservations")
        await connection.close()
        assert given > timedelta(minutes=59)


async def test_parcels_wait_for_a_late_driver_and_no_longer(fleet):
    async def waits(connection: asyncpg.Connection) -> timedelta:
        order, parcel = uuid.uuid4(), uuid.uuid4()
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO paid_orders (order_id, payment_id) VALUES ($1, $1)", order)
        await connection.execute(
            "INSERT INTO shipments (id, order_id, number, order_number, customer_id, email, address, method, weight_g, "
            "carrier) VALUES ($1, $2, 1, 'A-1', $2, 'a@shop.example', '{}', 'standard', 100, 'post')",
            parcel,
            order,
        )
        left = await connection.fetchval(
            "UPDATE shipments SET status = 'labelled', tracking_number = $2 WHERE id = $1 "
            "RETURNING due_at - clock_timestamp()",
            parcel,
            str(parcel),
        )
        await transaction.rollback()
        return left

    async with fleet:
        connection = await asyncpg.connect(fleet.stack.urls["database_shipping"])
        done = await injected(fleet, LateDriver(after_s=600.0))
        assert await waits(connection) > timedelta(seconds=590)
        for _ in range(2):
            await done.heal()
        assert await waits(connection) <= timedelta(0)
        await connection.close()


async def test_the_machine_is_busy_and_idle_again(fleet):
    async with fleet:
        done = await injected(fleet, CpuBurn(processes=2))
        for _ in range(2):
            await done.heal()


@pytest.mark.parametrize(
    "fault",
    [
        Latency(target="orders"),
        Latency(target="nobody:postgres"),
        Down(target="orders:nowhere"),
        Kill("nobody-1"),
        Rewind("nobody"),
        Rewind("gateway"),
        Rewind("payments", topic="no.topic"),
        Poison("no.topic"),
        Unprocessable(target="inventory", event="refund.failed"),
        Unprocessable(target="nobody", event="order.paid"),
        PoolSqueeze("nobody"),
        SlowCommits(target="nobody"),
        TableLock("orders.no_such_table"),
        ClockOffset("nobody"),
        ShortHolds("orders"),
        LateDriver("orders"),
    ],
    ids=lambda it: f"{it.name} {it.target}",
)
async def test_what_is_not_there_is_refused(fleet, fault):
    async with fleet:
        with pytest.raises(OperatorError):
            await fault.bite(fleet)


async def test_a_fault_by_hand_is_seen_outlives_the_command_and_heals_after_its_time(fleet):
    async with fleet:
        on = await by_hand.inject(fleet, made("latency", "payments:psp", {"latency_ms": "40"}), for_s=1.0)
        assert (on.state, on.confirmed) == ("on", True)
        assert [it.id for it in by_hand.active.every(fleet.layout)] == [on.id]
        async with asyncio.timeout(30):
            while await network.open_links(fleet):
                await asyncio.sleep(0.05)
        assert await by_hand.heal(fleet) == []
        assert by_hand.active.every(fleet.layout) == []


async def test_a_fault_by_hand_is_healed_when_asked_and_when_its_keeper_is_killed(fleet):
    async with fleet:
        for killed in (False, True):
            on = await by_hand.inject(fleet, made("psp-decline"), for_s=600)
            if killed:
                by_hand.os.kill(on.keeper_pid, by_hand.signal.SIGKILL)
            (healed,) = await by_hand.heal(fleet, "psp-decline")
            assert healed.id == on.id
            assert (await fleet.world("psp", "GET", "/control/behaviour"))["decline_rate"] == 0
        with pytest.raises(OperatorError):
            await by_hand.heal(fleet, "psp-decline")


async def test_a_fault_by_hand_that_cannot_be_injected_is_told(fleet):
    async with fleet:
        with pytest.raises(OperatorError) as refused:
            await by_hand.inject(fleet, made("kill", "nobody-1"), for_s=1)
        assert "nobody-1" in refused.value.what
        assert by_hand.active.every(fleet.layout) == []


def test_every_fault_of_the_catalogue_is_tried_here():
    source = Path(__file__).read_text()
    assert [it.__name__ for it in catalogue.FAULTS.values() if f"{it.__name__}(" not in source] == []
