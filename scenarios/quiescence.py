"""Wait until a fleet has nothing left to do, as its own audit views, the broker and the witnesses say.

Judging before is guessing; a fleet that never comes to rest has failed its liveness.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Self

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from compose.operator_error import OperatorError
from scenarios.fleet import AUDITED_SERVICES, DATABASE_AWAY, Fleet, FleetAwayError

POLL_S = 0.25
CALM_POLLS = 2

_OUTBOX = "SELECT count(*) FROM audit.outbox WHERE sent_at IS NULL"
_OPEN_WORK: Mapping[str, Mapping[str, str]] = {
    "orders": {
        "running sagas": "SELECT count(*) FROM audit.sagas WHERE status = 'running' AND started_at >= $1",
        "requests in flight": "SELECT count(*) FROM audit.idempotency WHERE status = 'in_flight' AND created_at >= $1",
    },
    "payments": {
        "open payments": (
            "SELECT count(*) FROM audit.payments WHERE created_at >= $1 "
            "AND status NOT IN ('captured', 'failed', 'cancelled', 'refunded', 'partially_refunded', 'declined')"
        ),
        "open refunds": (
            "SELECT count(*) FROM audit.refunds WHERE created_at >= $1 AND status NOT IN ('succeeded', 'failed')"
        ),
    },
    "notifications": {
        "unsent messages": "SELECT count(*) FROM audit.deliveries WHERE status NOT IN ('sent', 'failed')",
    },
}


class Quiescence(msgspec.Struct, frozen=True, kw_only=True):
    """`waits_for` names what was still open at the deadline; it is empty exactly when all was calm."""

    reached: bool
    after_s: float
    waits_for: dict[str, int]


async def quiesce(fleet: Fleet, *, since: float, deadline_s: float) -> Quiescence:
    """Wait for calm twice in a row; give up at the first look after `deadline_s` that finds open work.

    `since` (epoch seconds) is the start of the run. Raises `OperatorError` (kafka.away, fleet.refused).
    """
    started = time.monotonic()
    since_at = datetime.fromtimestamp(since, UTC)
    calm = 0
    async with AsyncExitStack() as stack:
        databases = {
            service: await stack.enter_async_context(asyncpg.create_pool(url, min_size=0, max_size=1))
            for service, url in fleet.audit_urls().items()
        }
        broker = await stack.enter_async_context(
            await _connected_broker(f"127.0.0.1:{fleet.layout.port('kafka')}", deadline_s=deadline_s)
        )
        while True:
            waits_for = {
                **await _open_rows(databases, since_at),
                **await broker.lag(),
                **await _open_in_world(fleet),
            }
            calm = 0 if waits_for else calm + 1
            if calm >= CALM_POLLS:
                return Quiescence(reached=True, after_s=time.monotonic() - started, waits_for={})
            if waits_for and time.monotonic() - started >= deadline_s:
                return Quiescence(reached=False, after_s=time.monotonic() - started, waits_for=waits_for)
            await asyncio.sleep(POLL_S)


async def _open_rows(databases: Mapping[str, asyncpg.Pool], since_at: datetime) -> dict[str, int]:
    found: dict[str, int] = {}
    for service, pool in databases.items():
        try:
            found |= await _open_rows_of(service, pool, since_at)
        except DATABASE_AWAY:
            found[f"{service}: database does not answer"] = 1
    return {name: count for name, count in found.items() if count}


async def _open_rows_of(service: str, pool: asyncpg.Pool, since_at: datetime) -> dict[str, int]:
    async with pool.acquire() as connection:
        found = {f"{service}: unsent events": await connection.fetchval(_OUTBOX)}
        for name, query in _OPEN_WORK.get(service, {}).items():
            arguments = [since_at] if "$1" in query else []
            found[f"{service}: {name}"] = await connection.fetchval(query, *arguments)
    return found


async def _open_in_world(fleet: Fleet) -> dict[str, int]:
    try:
        return await _owed_by_world(fleet)
    except FleetAwayError:
        return {"world: does not answer": 1}


async def _owed_by_world(fleet: Fleet) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ("psp", "carrier"):
        stats = await fleet.world(name, "GET", "/control/stats")
        pending = stats.get("webhooks_pending", 0)
        if pending:
            found[f"{name}: pending webhooks"] = pending
        if stats.get("under_way"):
            found[f"{name}: parcels under way"] = stats["under_way"]
    tap = await fleet.world("catcher", "GET", "/tap")
    if not tap["caught_up"]:
        found["tap: records behind"] = max(1, tap["lag"])
    return found


async def _connected_broker(bootstrap: str, *, deadline_s: float) -> "_Broker":
    """A broker that may just have been killed gets its time to come back. Raises `OperatorError` after that."""
    until = time.monotonic() + deadline_s
    while True:
        broker = _Broker(bootstrap)
        try:
            await broker.connect()
        except (KafkaError, OSError) as error:
            await broker.close()
            if time.monotonic() > until:
                raise OperatorError(
                    "kafka.away", f"No Kafka answers at {bootstrap}.", mend="Look with: shopctl status."
                ) from error
            await asyncio.sleep(POLL_S)
        else:
            return broker


class _Broker:
    """Asks Kafka how far behind every service's group is."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._reader = AIOKafkaConsumer(bootstrap_servers=bootstrap)

    async def connect(self) -> None:
        await self._admin.start()
        await self._reader.start()

    async def close(self) -> None:
        await self._reader.stop()
        await self._admin.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def lag(self) -> dict[str, int]:
        """Events behind per service; a broker that cannot say, because it has just come up, is not at rest."""
        try:
            return await self._behind()
        except (KafkaError, OSError):
            return {"kafka: does not answer": 1}

    async def _behind(self) -> dict[str, int]:
        committed: dict[tuple[str, TopicPartition], int] = {}
        for service in AUDITED_SERVICES:
            for partition, offset in (await self._admin.list_consumer_group_offsets(service)).items():
                committed[service, partition] = offset.offset
        partitions = sorted({partition for _, partition in committed})
        ends = await self._reader.end_offsets(partitions) if partitions else {}
        behind: dict[str, int] = {}
        for (service, partition), offset in committed.items():
            missing = ends[partition] - offset
            if missing > 0:
                behind[f"{service}: events behind"] = behind.get(f"{service}: events behind", 0) + missing
        return behind
