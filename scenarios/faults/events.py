"""What can happen to events on their way: late, twice, out of order, broken, or all over again."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from compose.operator_error import OperatorError
from scenarios.faults.fault import FaultValue, Number, Share, until
from scenarios.faults.former_versions import as_before
from scenarios.faults.sessions import end, hold, session_name, superuser
from scenarios.fleet import Fleet, FleetAwayError, FleetRefusedError
from scenarios.world.journals import FAULT_HEADER, REASON_HEADER
from shared.contracts import EVENT_TOPICS, Address
from shared.contracts.orders import OrderCreated
from shared.outbox import RELAY_LOCK

READ_S_MAX: Final = 15.0
RELAY_LOCK_S_MAX: Final = 10.0
REWOUND_S_MAX: Final = 45.0
"""Until a service that was killed, or whose broker was, has read something and gone back."""
SHUFFLE_WINDOW: Final = 50
UNSENT_ROWS_MAX: Final = 20_000
Record = ConsumerRecord[bytes, bytes]
T = TypeVar("T")

_UNSENT: Final = "SELECT topic, aggregate_id, payload FROM outbox WHERE sent_at IS NULL ORDER BY position LIMIT $1"


class Rewind(FaultValue, frozen=True, tag="rewind"):
    """The consumers of a service go back by up to `records_max` in every partition: everything comes again."""

    lasting: ClassVar[bool] = False
    records_max: Number = 1_000
    topic: str = ""

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        _require(self.target, [service for service, events in fleet.subscriptions().items() if events])
        if self.topic:
            _require(self.topic, _topics())
        records = 0

        async def some_come_again() -> bool:
            nonlocal records
            records = await self._go_back(fleet)
            return records > 0

        again = await until(some_come_again, deadline_s=REWOUND_S_MAX)
        return again, f"{records} records come again"

    async def _go_back(self, fleet: Fleet) -> int:
        """How many records its processes read again; one that starts just now goes on where the others committed."""
        asked = {"records_max": self.records_max, "topic": self.topic}
        answers = await asyncio.gather(
            *(
                fleet.call_process(it, "POST", "/internal/consumer/rewind", json=asked)
                for it in await fleet.instances(self.target)
            ),
            return_exceptions=True,
        )
        records = 0
        for answer in answers:
            if isinstance(answer, BaseException):
                if not isinstance(answer, FleetAwayError) and not _is_unready(answer):
                    raise answer
                continue
            records += answer["records"]
        return records

    async def heal(self, fleet: Fleet) -> None:
        """Nothing to undo: what comes again is applied once."""


class _Again(FaultValue, frozen=True, kw_only=True):
    """The last `records_max` records of a topic are written to it again."""

    lasting: ClassVar[bool] = False
    records_max: Number = 200

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        _require(self.target, _topics())
        records = await last_records(fleet, self.target, self.records_max)
        again = self.arranged(records)
        async with producing(fleet) as producer:
            sent = [
                await producer.send(self.target, key=it.key, value=it.value, headers=list(it.headers)) for it in again
            ]
            written = await asyncio.gather(*sent)
        return bool(written), f"{len(written)} of {len(records)} records were written again"

    async def heal(self, fleet: Fleet) -> None:
        """Nothing to undo: consumers know what they have seen."""

    def arranged(self, records: Sequence[Record]) -> list[Record]:
        raise NotImplementedError


class Duplicate(_Again, frozen=True, kw_only=True, tag="duplicate"):
    """The last records of a topic are published again, each `copies` times."""

    copies: Number = 2

    def arranged(self, records: Sequence[Record]) -> list[Record]:
        return [record for record in records for _ in range(self.copies)]


class Reorder(_Again, frozen=True, kw_only=True, tag="reorder"):
    """The last records of a topic are published again in a shuffled order: old news after newer news."""

    seed: int = 1

    def arranged(self, records: Sequence[Record]) -> list[Record]:
        shuffled = list(records)
        random.Random(self.seed).shuffle(shuffled)
        return shuffled


class Delay(FaultValue, frozen=True, tag="delay"):
    """The events of a service stay in its outbox: somebody else holds the lock of its relay."""

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        _require(self.target, list(fleet.declared))
        holder = await hold(fleet, self.target, name=session_name(self.name, self.target))
        waiting = asyncio.create_task(holder.execute("SELECT pg_advisory_lock($1)", RELAY_LOCK))
        try:
            async with superuser(fleet, self.target) as connection:
                taken = await until(lambda: _ended_the_relay(connection, waiting), deadline_s=RELAY_LOCK_S_MAX)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return taken, f"the relay of {self.target} waits for its lock"

    async def heal(self, fleet: Fleet) -> None:
        await end(fleet, name=session_name(self.name, self.target))


class Shuffle(Delay, frozen=True, tag="shuffle"):
    """The events of a service stay in its outbox; when healed they come out of order, and in order once more after it.

    Nobody has seen them before, so that order is the consumers' business alone. `former_share` of those that come out
    of order come as the release before told them, as far as it told them otherwise.
    """

    seed: int = 1
    former_share: Share = 0.0

    async def heal(self, fleet: Fleet) -> None:
        """An outbox that nobody holds any more is left to its relay."""
        name = session_name(self.name, self.target)
        async with superuser(fleet, self.target) as connection:
            held = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name)
            rows = await connection.fetch(_UNSENT, UNSENT_ROWS_MAX) if held else []
        if rows:
            chance = random.Random(self.seed)
            async with producing(fleet) as producer:
                sent = [
                    await producer.send(
                        row["topic"],
                        key=row["aggregate_id"].encode(),
                        value=self._told(row["payload"].encode(), chance),
                    )
                    for row in shuffled(rows, chance)
                ]
                await asyncio.gather(*sent)
        await end(fleet, name=name)

    def _told(self, payload: bytes, chance: random.Random) -> bytes:
        return as_before(payload) if chance.random() < self.former_share else payload


def shuffled(rows: Sequence[T], chance: random.Random) -> list[T]:
    """In another order, but none farther away than SHUFFLE_WINDOW allows."""
    order: list[T] = []
    for start in range(0, len(rows), SHUFFLE_WINDOW):
        window = list(rows[start : start + SHUFFLE_WINDOW])
        chance.shuffle(window)
        order.extend(window)
    return order


class Poison(FaultValue, frozen=True, tag="poison"):
    """A record of each kind that no consumer can apply, `each` times, under keys of their own.

    Each says in its headers that it is a fault's and why it must be refused: nobody in the fleet reads them.
    """

    lasting: ClassVar[bool] = False
    each: Number = 1

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        _require(self.target, _topics())
        async with producing(fleet) as producer:
            sent = [
                await producer.send(
                    self.target,
                    key=f"poison-{uuid4()}".encode(),
                    value=value,
                    headers=[(FAULT_HEADER, self.name.encode()), (REASON_HEADER, reason.encode())],
                )
                for _ in range(self.each)
                for reason, value in poisons()
            ]
            written = await asyncio.gather(*sent)
        return bool(written), f"{len(written)} records were written"

    async def heal(self, fleet: Fleet) -> None:
        """Nothing to undo: dead letters are for people to look at."""


def poisons() -> list[tuple[str, bytes | None]]:
    """One record of each kind, and why it is refused: no value, no JSON, half of it, no object, no envelope, no id,
    a future version that looks like the present one, wrong data.
    """
    wrong: dict[str, Any] = {**_order_created(), "data": {"order_id": 7}}
    whole = msgspec.json.encode(wrong)
    return [
        ("undecodable", None),
        ("undecodable", b"\x00\xff not JSON"),
        ("undecodable", whole[: len(whole) // 2]),
        ("undecodable", b"[]"),
        ("undecodable", b"{}"),
        ("undecodable", msgspec.json.encode({**wrong, "id": "no id"})),
        ("newer_version", msgspec.json.encode({**_order_created(), "version": OrderCreated.schema_version + 1})),
        ("invalid_data", whole),
    ]


def _order_created() -> dict[str, Any]:
    """The envelope of an order that nobody placed."""
    order_id = str(uuid4())
    order = OrderCreated(
        order_id=uuid4(),
        order_number=f"POISON-{order_id[:8]}",
        customer_id=uuid4(),
        email="poison@chaos.example",
        currency="EUR",
        total_minor=12_300,
        lines=[],
        subtotal_minor=12_300,
        discount_minor=0,
        tax_minor=0,
        shipping_minor=0,
        payment_method="tok_visa",
        shipping_address=Address(name="P.", line1="1 Road", city="Dublin", postal_code="D01", country="IE"),
        shipping_method="standard",
        placed_at=datetime.now(UTC),
    )
    return {
        "id": str(uuid4()),
        "type": OrderCreated.type,
        "version": OrderCreated.schema_version,
        "aggregate_id": f"poison-{order_id}",
        "aggregate_version": 1,
        "occurred_at": "2026-01-01T00:00:00Z",
        "data": msgspec.to_builtins(order),
    }


async def last_records(fleet: Fleet, topic: str, records_max: int) -> list[Record]:
    """The newest records of a topic, oldest first. Raises FleetAwayError."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=fleet.stack.urls["kafka_bootstrap"])
    found: list[Record] = []
    try:
        async with asyncio.timeout(READ_S_MAX):
            await consumer.start()
            partitions = consumer.assignment()
            ends = await consumer.end_offsets(partitions)
            begins = await consumer.beginning_offsets(partitions)
            for it in partitions:
                consumer.seek(it, max(begins[it], ends[it] - records_max))
            while any([await consumer.position(it) < ends[it] for it in partitions]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(batch)
    except (KafkaError, OSError, TimeoutError) as error:
        raise FleetAwayError("kafka", fleet.stack.urls["kafka_bootstrap"]) from error
    finally:
        await consumer.stop()
    return sorted(found, key=lambda it: (it.timestamp, it.partition, it.offset))[-records_max:]


@asynccontextmanager
async def producing(fleet: Fleet) -> AsyncGenerator[AIOKafkaProducer]:
    """A producer of the harness's own. Raises FleetAwayError."""
    producer = AIOKafkaProducer(bootstrap_servers=fleet.stack.urls["kafka_bootstrap"], acks="all")
    try:
        await producer.start()
        yield producer
    except (KafkaError, OSError) as error:
        raise FleetAwayError("kafka", fleet.stack.urls["kafka_bootstrap"]) from error
    finally:
        await producer.stop()


async def _ended_the_relay(connection: Any, waiting: "asyncio.Task[Any]") -> bool:
    """End whoever holds the relay's lock, until it is ours."""
    if waiting.done():
        waiting.result()
        return True
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND objid = $1::bigint::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        RELAY_LOCK,
    )
    return False


def _is_unready(error: BaseException) -> bool:
    return isinstance(error, FleetRefusedError) and error.status == HTTPStatus.SERVICE_UNAVAILABLE


def _topics() -> list[str]:
    return [it.name for it in EVENT_TOPICS]


def _require(what: str, known: Sequence[str]) -> None:
    if what not in known:
        raise OperatorError("events.unknown", f"There is no {what!r}.", mend=f"Choose from: {', '.join(known)}.")
