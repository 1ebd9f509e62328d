"""Wait until a fleet has nothing left to do, as its own audit views, the broker and the witnesses say.

Judging before is guessing; a fleet that never comes to rest has failed its liveness.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Self

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from compose.operator_error import OperatorError
from scenarios.fleet import DATABASE_AWAY, Fleet, FleetAwayError
from scenarios.job_board import job_board
from shared.contracts import REGISTRY
from shared.errors import RedisUnavailableError

POLL_S = 0.25
CALM_POLLS = 2
STILL_S = 7.0
"""Longer than any pause between two tries of work whose moments are declared: 5 s of back-off, and a look at its table.

The lease of somebody who died at such work is a declared moment itself.
"""
UNSENT_S = 20.0
"""Longer than what keeps a relay from its outbox while all engines answer: the sending of a batch (15 s), a look."""
UNAPPLIED_S = 35.0
"""Longer than anything that keeps events from a consumer while all engines answer: a commit that is never answered
(30 s), a dead member's session and the rebalance after it (12 s), the attempts of one event (24 s).
"""

_OUTBOX = "SELECT count(*) FROM audit.outbox WHERE sent_at IS NULL"


class Quiescence(msgspec.Struct, frozen=True, kw_only=True):
    """`waits_for` names what was still open at the deadline; it is empty exactly when all was calm."""

    reached: bool
    after_s: float
    waits_for: dict[str, int]


async def quiesce(fleet: Fleet, *, since: float, deadline_s: float) -> Quiescence:
    """Wait for calm twice in a row; give up at a look that finds open work and for `deadline_s` no less of any of it.

    Given up sooner is a fleet that is provably stuck. It stands still: every count of open work, event on its way and
    event ever written has been the same at each look. No moment comes in time that a service has declared for itself.
    And it has stood still for longer than whoever could still move what is open pauses: STILL_S where all of it waits
    for such moments and for events of which none is on its way, UNSENT_S and UNAPPLIED_S where some are.
    Other work (jobs, webhooks, mails, documents) may pause for a minute and gets its whole time.
    `since` (epoch seconds) is the start of the run. Raises `OperatorError` (kafka.away, fleet.refused).
    """
    started = time.monotonic()
    since_at = datetime.fromtimestamp(since, UTC)
    calm, progress, stillness = 0, _Progress(started), _Stillness(started)
    async with AsyncExitStack() as stack:
        databases = {
            service: await stack.enter_async_context(asyncpg.create_pool(url, min_size=0, max_size=1))
            for service, url in fleet.audit_urls().items()
        }
        broker = await stack.enter_async_context(
            await _connected_broker(fleet.stack.urls["kafka_bootstrap"], deadline_s=deadline_s)
        )
        consumed = {service: _topics(types) for service, types in fleet.subscriptions().items()}
        while True:
            waits_for = {
                **await _open_rows(fleet, databases, since_at),
                **await broker.lag(consumed),
                **await _open_jobs(fleet),
                **await _open_in_world(fleet),
            }
            calm = 0 if waits_for else calm + 1
            if calm >= CALM_POLLS:
                return Quiescence(reached=True, after_s=time.monotonic() - started, waits_for={})
            now = time.monotonic()
            left_s = deadline_s - progress.idle_s(waits_for, now)
            still_s = stillness.lasts_s((waits_for, broker.written), now)
            stuck = still_s >= _longest_pause_s(fleet, waits_for)
            if waits_for and (
                left_s <= 0 or (stuck and await _nothing_is_due(fleet, databases, since_at, within_s=left_s))
            ):
                return Quiescence(reached=False, after_s=now - started, waits_for=waits_for)
            await asyncio.sleep(POLL_S)


class _Progress:
    """When there was last less of some open work than ever before.

    Each work can become less only so often, so that a fleet that goes round in circles is given up, too.
    """

    def __init__(self, now: float) -> None:
        self._at = now
        self._least: dict[str, int] = {}

    def idle_s(self, waits_for: Mapping[str, int], now: float) -> float:
        """Seconds since the last progress, which this look may be."""
        for name in {*self._least, *waits_for}:
            count = waits_for.get(name, 0)
            if count < self._least.get(name, count):
                self._at = now
            self._least[name] = min(count, self._least.get(name, count))
        return now - self._at


class _Stillness:
    """Since when every look has seen the same."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._seen: object = None

    def lasts_s(self, seen: object, now: float) -> float:
        """Seconds, up to this look, which may have ended it."""
        if seen != self._seen:
            self._since, self._seen = now, seen
        return now - self._since


def _longest_pause_s(fleet: Fleet, waits_for: Iterable[str]) -> float:
    """How long this open work may look the same although somebody is at it; endless where nobody has said."""
    pauses_s = {"unsent events": UNSENT_S, "events behind": UNAPPLIED_S}
    for said in fleet.declared.values():
        pauses_s |= dict.fromkeys(said.next_due, STILL_S)
    return max((pauses_s.get(it.partition(": ")[2], math.inf) for it in waits_for), default=math.inf)


async def _nothing_is_due(
    fleet: Fleet, databases: Mapping[str, asyncpg.Pool], since_at: datetime, *, within_s: float
) -> bool:
    """Whether no moment that a service has declared comes within that time.

    One that came while the fleet stood still may be having its effect just now.
    """
    moments: list[datetime | None] = []
    for service, pool in databases.items():
        for query in fleet.declared[service].next_due.values():
            try:
                async with pool.acquire() as connection:
                    moments.append(await connection.fetchval(query, since_at))
            except DATABASE_AWAY:
                return False
    now = time.time()
    return not any(moment and -STILL_S < moment.timestamp() - now < within_s for moment in moments)


async def _open_rows(fleet: Fleet, databases: Mapping[str, asyncpg.Pool], since_at: datetime) -> dict[str, int]:
    found: dict[str, int] = {}
    for service, pool in databases.items():
        try:
            found |= await _open_rows_of(service, fleet.declared[service].open_work, pool, since_at)
        except DATABASE_AWAY:
            found[f"{service}: database does not answer"] = 1
    return {name: count for name, count in found.items() if count}


async def _open_rows_of(
    service: str, open_work: Mapping[str, str], pool: asyncpg.Pool, since_at: datetime
) -> dict[str, int]:
    async with pool.acquire() as connection:
        found = {f"{service}: unsent events": await connection.fetchval(_OUTBOX)}
        for name, query in open_work.items():
            arguments = [since_at] if "$1" in query else []
            found[f"{service}: {name}"] = await connection.fetchval(query, *arguments)
    return found


async def _open_jobs(fleet: Fleet) -> dict[str, int]:
    """Jobs somebody waits for; a dead job is no longer waited for, and is somebody else's finding."""
    try:
        async with job_board(fleet.stack) as board:
            rows = await board.rows()
    except RedisUnavailableError:
        return {"redis: does not answer": 1}
    return dict(Counter(f"{row.service}: open jobs" for row in rows if row.is_open))


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


def _topics(event_types: Iterable[str]) -> set[str]:
    return {REGISTRY[event_type].topic.name for event_type in event_types}


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
    """Asks Kafka how far behind every service's group is. `written` counts the events there were at the last answer."""

    def __init__(self, bootstrap: str) -> None:
        self.written = 0
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

    async def lag(self, consumed: Mapping[str, Collection[str]]) -> dict[str, int]:
        """Events behind per service; a broker that cannot say, because it has just come up, is not at rest.

        `consumed` are the topics of each service: what its group never committed is behind from the first event on.
        """
        try:
            return await self._behind(consumed)
        except (KafkaError, OSError):
            return {"kafka: does not answer": 1}

    async def _behind(self, consumed: Mapping[str, Collection[str]]) -> dict[str, int]:
        partitions_of = await self._partitions({topic for names in consumed.values() for topic in names})
        done: dict[tuple[str, TopicPartition], int] = {}
        for service, topics in consumed.items():
            for topic in topics:
                done |= {(service, partition): 0 for partition in partitions_of[topic]}
            for partition, offset in (await self._admin.list_consumer_group_offsets(service)).items():
                done[service, partition] = offset.offset
        partitions = sorted({partition for _, partition in done})
        firsts = await self._reader.beginning_offsets(partitions) if partitions else {}
        ends = await self._reader.end_offsets(partitions) if partitions else {}
        self.written = sum(ends.values())
        behind: dict[str, int] = {}
        for (service, partition), offset in done.items():
            missing = ends[partition] - max(offset, firsts[partition])
            if missing > 0:
                behind[f"{service}: events behind"] = behind.get(f"{service}: events behind", 0) + missing
        return behind

    async def _partitions(self, topics: Collection[str]) -> dict[str, list[TopicPartition]]:
        described = await self._admin.describe_topics(sorted(topics)) if topics else []
        return {
            topic["topic"]: [TopicPartition(topic["topic"], found["partition"]) for found in topic["partitions"]]
            for topic in described
        }
