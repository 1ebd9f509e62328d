"""The consumer of one service: every event applied once, in order per aggregate, nothing lost and nothing blocked.

Offsets are committed after the effect, explicitly and per partition. Poison goes to the dead letters after bounded
attempts. A database or broker that is proven to be away is waited for, never counted against an event: proven by a
connection that cannot be had, not by the kind of an error that came out of a handler.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared import crash_points, dead_letters, inbox, kafka_connection
from shared.contracts import Envelope, EnvelopeHeader, Event, PoisonError, decode_data, decode_header
from shared.database import Database
from shared.dead_letters import DeadLetter, OpenLetter
from shared.errors import BrokerUnavailableError, DatabaseBusyError, DatabaseUnavailableError, WorldError
from shared.tracing import span
from shared.unit_of_work import UnitOfWork

Handler = Callable[[UnitOfWork, Envelope[Any]], Awaitable[None]]
Subscription = Mapping[type[Event], Handler]
_Record = ConsumerRecord[bytes, bytes]

ATTEMPTS_MAX = 5
ATTEMPTS_IN_THE_WAY_MAX = 12
"""Of an event whose last attempt met a lock, a time limit or a lost connection while the database itself answers."""
BACK_OFF_S = (0.05, 0.2, 0.5, 1.0, 2.0)
WORLD_BACK_OFF_S = 0.5
TRANSACTION_LIMIT_S = 60.0
BATCH_RECORDS_MAX = 200
TRANSACTION_RECORDS_MAX = 50
PARTITIONS_AT_ONCE = 3
POLL_MS = 250
RECONNECT_DELAY_S = 0.5
STALLED_AFTER_S = 30.0
COMMIT_S_MAX = 30.0
STOP_S_MAX = 10.0
REWIND_S_MAX = 30.0

kafka_connection.install()

log = structlog.get_logger(__name__)


class Redriven(NamedTuple):
    """How many dead letters were applied, and how many remain."""

    applied: int
    remaining: int


class _Rewind(NamedTuple):
    """A wish that the consuming loop grants between two batches."""

    records_max: int
    topic: str
    granted: asyncio.Future[int]


class ConsumerRunner:
    """Applies the subscribed events of one service's group.

    A static member id per instance lets a killed process take its partitions back as soon as it is restarted.
    """

    def __init__(
        self,
        database: Database,
        subscription: Subscription,
        *,
        bootstrap: str,
        service: str,
        instance: str,
        prefix: str = "",
    ) -> None:
        assert subscription, "a consumer needs at least one handler"
        self._database = database
        self._handlers = {event.type: (event, handler) for event, handler in subscription.items()}
        self._topics = sorted({prefix + event.topic.name for event in subscription})
        self._bootstrap = bootstrap
        self._service = service
        self._instance = instance
        self._prefix = prefix
        self._consumer: AIOKafkaConsumer | None = None
        self._partitions_at_once = asyncio.Semaphore(PARTITIONS_AT_ONCE)
        self._progressed_at = 0.0
        self._assigned = False
        self._rewinds: list[_Rewind] = []
        self.applied = 0
        self.dead = 0

    async def run(self) -> None:
        """Consume until cancelled; reconnects for as long as it takes."""
        while True:
            try:
                await self._run_connected()
            except (KafkaError, OSError) as error:
                log.warning("consumer_lost_broker", error=repr(error))
            self._assigned = False
            await asyncio.sleep(RECONNECT_DELAY_S)

    def lag(self) -> int:
        """Records behind the newest known ones, over the assigned partitions."""
        if self._consumer is None:
            return 0
        behind = 0
        for partition in self._consumer.assignment():
            newest = self._consumer.highwater(partition)
            state = self._consumer._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001 no public sync position
            if newest is not None and state is not None and state.has_valid_position:
                behind += max(0, newest - state.position)
        return behind

    def health(self) -> tuple[bool, str]:
        """Whether partitions are assigned and the loop turns."""
        if not self._assigned:
            return False, "no partitions assigned"
        idle = asyncio.get_running_loop().time() - self._progressed_at
        if idle > STALLED_AFTER_S:
            return False, f"no progress for {idle:.0f} s"
        return True, f"lag {self.lag()}"

    async def rewind(self, *, records_max: int, topic: str = "") -> int:
        """Go back by up to `records_max` in every partition assigned here, or in those of one topic; gives how many.

        The committed offsets go back too, so whoever gets a partition next goes on from there; inboxes make what is
        delivered again harmless. Raises `BrokerUnavailableError` when it cannot be done within REWIND_S_MAX.
        """
        wish = _Rewind(records_max, topic, asyncio.get_running_loop().create_future())
        self._rewinds.append(wish)
        try:
            async with asyncio.timeout(REWIND_S_MAX):
                return await wish.granted
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailableError(f"the consumer could not be rewound: {error!r}") from error

    async def redrive(self, *, letters_max: int, since: datetime | None = None) -> Redriven:
        """Apply dead letters again, oldest first, each in a transaction of its own; ids stay, so effects stay single.

        One that still cannot be applied stays a dead letter, and those parked behind it stay parked. Letters that were
        buried before `since` are left alone.
        """
        applied = 0
        tried: list[int] = []
        blocked: set[str] = set()
        while letters := await self._untried_letters(tried, letters_max=letters_max - len(tried), since=since):
            for letter in letters:
                tried.append(letter.id)
                applied += await self._redrive_one(letter, blocked)
        return Redriven(applied, len(tried) - applied)

    async def _untried_letters(
        self, tried: Sequence[int], *, letters_max: int, since: datetime | None
    ) -> list[OpenLetter]:
        """What is open now: while some were applied, the next events of their aggregates may have parked."""
        async with self._database.acquire() as connection:
            return await dead_letters.open_letters(
                connection, self._service, letters_max=letters_max, tried=tried, since=since
            )

    async def _redrive_one(self, letter: OpenLetter, blocked: set[str]) -> bool:
        """Whether the letter's event was applied now; an aggregate whose letter cannot be joins `blocked`."""
        header = _header_or_none(letter.payload)
        if header is None or header.type not in self._handlers or header.aggregate_id in blocked:
            return False
        try:
            async with self._database.begin() as uow:
                if not await dead_letters.take(uow.connection, letter.id):
                    return False
                if await inbox.claim(uow.connection, self._service, [header]):
                    await self._handle(uow, header)
                await dead_letters.mark_redriven(uow.connection, letter.id)
        except Exception as error:  # noqa: BLE001 the letter stays, with its reason in the log
            blocked.add(header.aggregate_id)
            log.warning("redrive_failed", letter=letter.id, error=repr(error))
            return False
        return True

    async def _run_connected(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._prefix + self._service,
            group_instance_id=self._prefix + self._instance,
            client_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
            max_poll_interval_ms=300_000,
            rebalance_timeout_ms=6_000,
            metadata_max_age_ms=30_000,
        )
        try:
            await consumer.start()
            self._consumer = consumer
            while True:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS_MAX)
                self._assigned = bool(consumer.assignment())
                self._progressed_at = asyncio.get_running_loop().time()
                if batches:
                    async with asyncio.TaskGroup() as group:
                        for partition, records in batches.items():
                            group.create_task(self._apply_partition(consumer, partition, records))
                await self._grant_rewinds(consumer)
        except* (KafkaError, OSError) as failures:
            raise OSError(f"consumer stopped: {failures.exceptions[0]!r}") from failures
        finally:
            self._consumer = None
            async with asyncio.timeout(STOP_S_MAX):
                await consumer.stop()

    async def _grant_rewinds(self, consumer: AIOKafkaConsumer) -> None:
        while self._rewinds:
            wish = self._rewinds.pop(0)
            if wish.granted.done():  # who asked has given up
                continue
            try:
                wish.granted.set_result(await self._go_back(consumer, wish))
            except KafkaError as error:
                wish.granted.set_exception(error)
                raise

    async def _go_back(self, consumer: AIOKafkaConsumer, wish: _Rewind) -> int:
        partitions = [it for it in consumer.assignment() if not wish.topic or it.topic == self._prefix + wish.topic]
        oldest = await consumer.beginning_offsets(partitions)
        positions = {it: await consumer.position(it) for it in partitions}
        targets = {it: max(oldest[it], positions[it] - wish.records_max) for it in partitions}
        if partitions:
            await consumer.commit(targets)
        for partition, offset in targets.items():
            consumer.seek(partition, offset)
        return sum(positions[it] - targets[it] for it in partitions)

    async def _apply_partition(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[_Record]
    ) -> None:
        async with self._partitions_at_once:
            for start in range(0, len(records), TRANSACTION_RECORDS_MAX):
                chunk = records[start : start + TRANSACTION_RECORDS_MAX]
                await self._apply(chunk)
                self._progressed_at = asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout(COMMIT_S_MAX):  # else one that never answers stops the whole group
                        await consumer.commit({partition: chunk[-1].offset + 1})
                except (CommitFailedError, IllegalStateError) as error:
                    # The partition went to another member; it applies these again and its inbox refuses them.
                    log.info("commit_refused", partition=partition.partition, error=repr(error))
                    return

    async def _apply(self, records: Sequence[_Record]) -> None:
        """One transaction for all; where that fails, one for each, so that only the culprit pays."""
        if len(records) > 1:
            try:
                await self._apply_in_one_transaction(records)
            except Exception as error:  # noqa: BLE001 each record is tried alone next
                log.info("batch_split", records=len(records), error=repr(error))
            else:
                return
        for record in records:
            await self._apply_one(record)

    async def _apply_one(self, record: _Record) -> None:
        attempts = 0
        while True:
            try:
                await self._apply_in_one_transaction([record])
            except PoisonError as error:
                await self._bury(record, error.reason, error.detail, attempts=1)
                return
            except Exception as error:  # noqa: BLE001 it is counted, told and in the end buried
                if isinstance(error, DatabaseUnavailableError) and not await self._database.answers():
                    log.warning("consumer_waits", error=repr(error))
                    await asyncio.sleep(WORLD_BACK_OFF_S)
                    continue
                attempts += 1
                in_the_way = isinstance(error, DatabaseUnavailableError | DatabaseBusyError)
                say = log.warning if in_the_way else log.error  # a crowd is nobody's fault until the event is buried
                say("handler_failed", attempt=attempts, offset=record.offset, topic=record.topic, exc_info=error)
                if attempts >= (ATTEMPTS_IN_THE_WAY_MAX if in_the_way else ATTEMPTS_MAX):
                    await self._bury(record, dead_letters.REASON_HANDLER_FAILED, repr(error), attempts=attempts)
                    return
                await asyncio.sleep(BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1])
            else:
                return

    async def _apply_in_one_transaction(self, records: Sequence[_Record]) -> None:
        wanted = [(record, header) for record in records if (header := self._wanted(record)) is not None]
        if not wanted:
            return
        async with asyncio.timeout(TRANSACTION_LIMIT_S), self._database.begin() as uow:
            waiting = await dead_letters.parked(
                uow.connection, self._service, list({header.aggregate_id for _, header in wanted})
            )
            for record, header in wanted:
                if header.aggregate_id in waiting:
                    await dead_letters.bury(
                        uow.connection,
                        self._letter(record, dead_letters.REASON_PARKED, "waits behind a dead letter", 0),
                    )
            ready = [header for _, header in wanted if header.aggregate_id not in waiting]
            fresh: set[UUID] = await inbox.claim(uow.connection, self._service, ready) if ready else set()
            await self._prepare(uow, [header for header in ready if header.id in fresh])
            for header in ready:
                if header.id in fresh:
                    fresh.discard(header.id)
                    await self._handle(uow, header)
            for header in ready:
                crash_points.reach(header.type, "before-commit")
        self.applied += len(ready)
        for header in ready:
            crash_points.reach(header.type, "after-commit")

    async def _prepare(self, uow: UnitOfWork, headers: Sequence[EnvelopeHeader]) -> None:
        """For a service whose batches must lock something in one order before the first of their events is handled."""

    async def _handle(self, uow: UnitOfWork, header: EnvelopeHeader) -> None:
        event_type, handler = self._handlers[header.type]
        envelope = decode_data(header, event_type)
        with span(header.type, kind="consumer", parent=header.traceparent or "", event_id=str(header.id)):
            await handler(uow, envelope)

    def _wanted(self, record: _Record) -> EnvelopeHeader | None:
        """The header when this service subscribed to the event; raises `PoisonError` for bytes that are none."""
        if record.value is None:
            raise PoisonError("undecodable", "a record without a value")
        header = decode_header(record.value)
        return header if header.type in self._handlers else None

    def _letter(self, record: _Record, reason: str, detail: str, attempts: int) -> DeadLetter:
        header = _header_or_none(record.value or b"")
        return DeadLetter(
            consumer=self._service,
            topic=record.topic.removeprefix(self._prefix),
            partition=record.partition,
            offset=record.offset,
            payload=record.value or b"",
            reason=reason,
            detail=detail,
            attempts=attempts,
            event_id=header.id if header else None,
            aggregate_id=header.aggregate_id if header else None,
        )

    async def _bury(self, record: _Record, reason: str, detail: str, *, attempts: int) -> None:
        letter = self._letter(record, reason, detail, attempts)
        while True:
            try:
                async with self._database.begin() as uow:
                    await dead_letters.bury(uow.connection, letter)
            except WorldError as error:
                log.warning("consumer_waits", error=repr(error))
                await asyncio.sleep(WORLD_BACK_OFF_S)
            else:
                break
        self.dead += 1
        log.error(
            "dead_letter",
            reason=reason,
            detail=detail,
            topic=letter.topic,
            offset=letter.offset,
            published_at=record.timestamp / 1_000,
        )


def _header_or_none(payload: bytes) -> EnvelopeHeader | None:
    try:
        return decode_header(payload)
    except PoisonError:
        return None
