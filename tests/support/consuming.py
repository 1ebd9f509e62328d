"""A service's consumer alone, on the real broker and its own database: what it is told, what that changed.

Runs the subscription that the service's composition root makes, without its API, relay and jobs, so that every change
of a row is an event's. A second copy in a process of its own dies where a test wants.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from shared import crash_points
from shared.contracts import REGISTRY, Envelope, Event, encode
from shared.database import Database
from shared.kafka_consumer import ConsumerRunner
from shared.kafka_producer import Message
from tests.support.builders.samples import Case
from tests.support.engines import EngineUrls
from tests.support.event_stories import neighbours, preparation_for
from tests.support.forked import forked
from tests.support.redis_clients import connected
from tests.support.services import Served, served, topics, until
from tests.support.statements import API_ONLY

BOOKKEEPING = ("alembic_version", "dead_letters", "inbox")
"""Tables that say what was consumed, not what came of it."""

_TABLES = """
    SELECT c.relname,
        coalesce(array_agg(a.attname) FILTER (WHERE a.attidentity <> ''
            OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'), '{}') AS counted,
        coalesce(array_agg(a.attname) FILTER (WHERE a.atttypid = 'bigint'::regtype), '{}') AS big
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> ALL($1) GROUP BY c.relname
"""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0\d|\b[0-9a-f]{32}\b")

Row = tuple[str, str]
Effects = tuple[tuple[str, str, str], ...]


class _Runner(ConsumerRunner):
    """Says how far it is."""

    def __init__(self, database: Database, *arguments: Any, **more: Any) -> None:
        super().__init__(database, *arguments, **more)
        self.database = database
        self.done: dict[str, int] = {}

    async def _apply_partition(self, consumer: Any, partition: TopicPartition, records: Sequence[Any]) -> None:
        await super()._apply_partition(consumer, partition, records)
        self.done[partition.topic] = records[-1].offset + 1


@asynccontextmanager
async def _opened_runner(service: str, settings: Any) -> AsyncIterator[_Runner]:
    """The consumer as the service's composition root makes it, with all that its handlers connect to."""
    made: list[_Runner] = []
    connections: list[Redis] = []
    healthy = import_module(f"svc.{service}.parts").HEALTHY

    def consumer(*arguments: Any, **more: Any) -> _Runner:
        made.append(_Runner(*arguments, **more))
        return made[-1]

    def cache(redis: Redis, *arguments: Any) -> Any:
        connections.append(redis)
        return healthy.cache(redis, *arguments)

    import_module(f"svc.{service}.app").create_app(settings, replace(healthy, consumer=consumer, cache=cache))
    ((runner,), (redis,)) = made, connections
    await runner.database.open()
    try:
        yield runner
    finally:
        await runner.database.close()
        await redis.aclose()  # the runtime's: a handler that asked it left a connection, which no loop may close over


@dataclass
class Bench:
    """One service that is told events."""

    service: Served
    prefix: str
    connection: asyncpg.Connection
    producer: AIOKafkaProducer
    redis: Redis
    dump: str
    settings: Any
    runner: _Runner | None = None
    sent: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    _letters_seen: int = 0
    cases: list[Case] = field(default_factory=list)

    async def case(self, event_type: str) -> Case:
        """Somebody new, for whom the service is prepared as the event needs it."""
        case = Case(f"case{len(self.cases):05d}")
        self.cases.append(case)
        if prepare := preparation_for(self.service.name, event_type):
            await prepare(self.service, case)
        return case

    async def rows(self, query: str = "") -> Counter[Row]:
        """Every row and every page in the cache, or the rows that the query gives, as relation and text."""
        rows = Counter(map(tuple, await self.connection.fetch(query or self.dump)))
        return rows if query else rows + await self._pages()

    async def _pages(self) -> Counter[Row]:
        cache = f"{self.prefix}cache:{self.service.name}:"
        return Counter([("cache", key.decode()) async for key in self.redis.scan_iter(match=f"{cache}*", count=1_000)])

    async def tell(self, *told: Message | Envelope[Event]) -> None:
        """Send and wait until the consumer of this process has done with all of it."""
        await self.publish(*told)
        await self.caught_up()

    async def publish(self, *told: Message | Envelope[Event]) -> None:
        """Send, in this order."""
        for message in map(as_message, told):
            topic = self.prefix + message.topic
            sent = await self.producer.send_and_wait(topic, message.value, key=message.key.encode())
            self.sent[topic] = sent.offset + 1

    async def caught_up(self) -> None:
        """The consumer of this process has done with whatever was sent since it is there."""
        runner = self.runner
        assert runner is not None

        async def done() -> bool:
            return all(runner.done.get(topic, self.done.get(topic, 0)) >= sent for topic, sent in self.sent.items())

        await until(done, every_s=0.003)
        self.done = dict(self.sent)

    async def effects(self, case: Case, before: Counter[Row], query: str = "") -> Effects:
        """What changed since, but of other cases, in words that are the same for every case."""
        after = await self.rows(query)
        others = {str(it) for other in self.cases if other is not case for it in other.ids.values()}
        changed = [("+", *row) for row in (after - before).elements()]
        changed += [("-", *row) for row in (before - after).elements()]
        mine = [it for it in changed if others.isdisjoint(_UUID.findall(it[2]))]
        return tuple(sorted((sign, table, _named(text, case)) for sign, table, text in mine))

    async def new_letters(self) -> list[tuple[str, str | None]]:
        """Reason and aggregate of the dead letters since the last look."""
        rows = await self.connection.fetch(
            "SELECT id, reason, aggregate_id FROM dead_letters WHERE id > $1 ORDER BY id", self._letters_seen
        )
        self._letters_seen = max([self._letters_seen, *(row["id"] for row in rows)])
        return [(row["reason"], row["aggregate_id"]) for row in rows]

    async def is_applied(self, event_id: UUID) -> bool:
        return bool(await self.connection.fetchval("SELECT true FROM inbox WHERE event_id = $1", event_id))

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        """The consumer runs in this process while the block does."""
        async with _opened_runner(self.service.name, self.settings) as runner:
            self.runner = runner
            task = asyncio.create_task(runner.run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self.runner = None

    def mortal(self, dies_at: str) -> AbstractAsyncContextManager[BaseProcess]:
        """The consumer in a process of its own, which dies at that point."""
        return forked(_consume, self.service.name, self.settings, dies_at)


def as_message(told: Message | Envelope[Event]) -> Message:
    if isinstance(told, Message):
        return told
    return Message(REGISTRY[told.type].topic.name, told.aggregate_id, encode(told))


def rewritten(
    envelope: Envelope[Event], then: Callable[[Any], Any] = dict, *, version: int | None = None,
    without: Iterable[str] = (), **more: Any,
) -> Message:  # fmt: skip
    """The event's message with other data, as another release or a bug would tell it."""
    plain = json.loads(encode(envelope))
    plain["data"] = {name: value for name, value in {**then(plain["data"]), **more}.items() if name not in set(without)}
    plain["version"] = version or plain["version"]
    return Message(REGISTRY[envelope.type].topic.name, envelope.aggregate_id, json.dumps(plain).encode())


@asynccontextmanager
async def bench_of(engines: EngineUrls, service: str, prefix: str) -> AsyncIterator[Bench]:
    """The service's API, with which its state is prepared, and a consumer beside it that is told events."""
    producer = AIOKafkaProducer(bootstrap_servers=engines.kafka)
    async with (
        topics(engines, prefix),
        neighbours(engines, service, prefix),
        served(engines, service, prefix=prefix, **API_ONLY) as opened,
        connected(engines.redis) as redis,
    ):
        connection = await asyncpg.connect(opened.settings.database_url)
        await producer.start()
        try:
            settings = msgspec.structs.replace(opened.settings, role="all")
            yield Bench(opened, prefix, connection, producer, redis, await _dump(connection), settings)
        finally:
            await producer.stop()
            await connection.close()


async def _dump(connection: asyncpg.Connection) -> str:
    """One statement that reads every row of every table, without what sequences counted."""
    tables = await connection.fetch(_TABLES, list(BOOKKEEPING))
    counted = {name for table in tables for name in table["counted"]}

    def dumped(table: asyncpg.Record) -> str:
        left_out = ", ".join(f"'{name}'" for name in {*table["counted"], *counted.intersection(table["big"])})
        return (
            f"SELECT '{table['relname']}', (to_jsonb(it) - ARRAY[{left_out}]::text[])::text FROM {table['relname']} it"  # noqa: S608 its own names
        )

    return " UNION ALL ".join(map(dumped, tables))


def _named(text: str, case: Case) -> str:
    for name, value in case.ids.items():
        text = text.replace(str(value), f"<{name}>")
    for word, name in case.words.items():
        text = text.replace(word, name)
    text = text.replace(case.token, "<case>")
    return _TRACE.sub("<trace>", _TIME.sub("<time>", _UUID.sub("<id>", text)))


def _consume(service: str, settings: Any, dies_at: str) -> None:
    """The main function of a mortal process."""
    crash_points.arm(dies_at)

    async def run() -> None:
        async with _opened_runner(service, settings) as runner:
            await runner.run()

    uvloop.run(run())
