"""The Kafka tap: reads every topic of this stack from its beginning into a journal.

It belongs to no consumer group and commits nothing, so that it disturbs nobody; where it stands is what its own
journal says. It waits for a broker that is not there yet and survives one that goes away.
"""

import asyncio
import logging
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord

from scenarios.world.http_api import Routes, answer
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import TAP_JOURNAL, TapRecord, iterate
from shared import kafka_connection

BATCH_RECORDS_MAX = 2_000
POLL_MS = 200
LOOK_EVERY_S = 1.0
RECONNECT_S = 0.5
LOOK_S_MAX = 5.0
REPORT_S_MAX = 3.0
STOP_S_MAX = 3.0
PARTITION_BYTES_MAX = 262_144
FETCH_BYTES_MAX = 4_194_304
HEADER_CHARS_MAX = 500
UNKNOWN = -1

kafka_connection.install()

Records = Mapping[TopicPartition, Iterable[ConsumerRecord[bytes, bytes]]]
_log = logging.getLogger(__name__)


class _Place(msgspec.Struct):
    topic: str = ""
    partition: int = 0
    offset: int = 0
    kind: str = ""


class _Envelope(msgspec.Struct):
    id: str
    type: str
    version: int = 0
    aggregate_id: str = ""
    aggregate_version: int = 0
    occurred_at: str = ""
    traceparent: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _AboutAnOrder(msgspec.Struct):
    order_id: str | None = None


class PartitionReport(msgspec.Struct, frozen=True):
    """Where the tap stands in one partition; `end_offset` is -1 while the broker does not name it."""

    topic: str
    partition: int
    position: int
    end_offset: int


class TapReport(msgspec.Struct, frozen=True, kw_only=True):
    """`caught_up` is true only when the broker answered and every record it has is in the journal."""

    connected: bool
    caught_up: bool
    lag: int
    records: int
    partitions: list[PartitionReport]


class Tap:
    """Journals every record of the topics that match a pattern."""

    def __init__(self, folder: Path, *, bootstrap: str, pattern: str) -> None:
        """Takes up its positions from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[TapRecord] = JournalWriter(folder / TAP_JOURNAL)
        self._bootstrap = bootstrap
        self._pattern = re.compile(pattern)
        self._positions = _positions(self.journal.path)
        self._assigned: set[TopicPartition] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._metadata: AIOKafkaClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._decode = msgspec.json.Decoder(_Envelope).decode
        self._decode_data = msgspec.json.Decoder(_AboutAnOrder).decode

    def start(self) -> None:
        """Begin to read as soon as there is a broker."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop reading; safe to repeat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self.journal.close()

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.get("/tap", self.show),
        ]

    async def show(self, _: web.Request) -> web.Response:
        """The report, fresh from the broker."""
        return answer(await self.report())

    async def report(self) -> TapReport:
        """Compare positions with the broker's end offsets, topics made a moment ago included."""
        try:
            async with asyncio.timeout(REPORT_S_MAX):
                partitions = await self._compare()
        except (TimeoutError, KafkaError, OSError):
            partitions = None
        if partitions is None:
            known = [PartitionReport(tp.topic, tp.partition, at, UNKNOWN) for tp, at in self._positions.items()]
            return TapReport(
                connected=False, caught_up=False, lag=UNKNOWN, records=self.journal.last_n, partitions=known
            )
        lag = sum(max(0, it.end_offset - it.position) for it in partitions)
        # A restarted broker may not name all its topics at first: what was read must be there again.
        whole = all(it.end_offset != UNKNOWN for it in partitions)
        return TapReport(
            connected=True,
            caught_up=whole and lag == 0,
            lag=lag,
            records=self.journal.last_n,
            partitions=partitions,
        )

    async def _compare(self) -> list[PartitionReport] | None:
        consumer = self._consumer
        if consumer is None:
            return None
        await self._look(consumer)
        ends = await consumer.end_offsets(list(self._assigned))
        return [
            PartitionReport(tp.topic, tp.partition, await consumer.position(tp), ends[tp])
            if tp in self._assigned
            else PartitionReport(tp.topic, tp.partition, at, UNKNOWN)
            for tp, at in sorted(self._positions.items())
        ]

    async def _run(self) -> None:
        while True:
            try:
                await self._session()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                _log.warning("tap: the client gave up a call of its own; connecting again")
            except Exception as error:  # noqa: BLE001 - a witness that stops looking is none
                _log.info("tap: no broker at %s yet: %r", self._bootstrap, error)
            await asyncio.sleep(RECONNECT_S)

    async def _session(self) -> None:
        self._metadata = AIOKafkaClient(bootstrap_servers=self._bootstrap, client_id="world-tap-topics")
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="world-tap",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=POLL_MS,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=PARTITION_BYTES_MAX,
        )
        self._assigned = set()
        try:
            await self._metadata.bootstrap()
            await consumer.start()
            self._consumer = consumer
            await self._read(consumer)
        finally:
            self._consumer = None
            async with asyncio.timeout(STOP_S_MAX):
                try:
                    await consumer.stop()
                finally:
                    await self._metadata.close()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        look_at = 0.0
        while True:
            if time.monotonic() >= look_at:
                await self._look(consumer)
                look_at = time.monotonic() + LOOK_EVERY_S
            if not self._assigned:
                await asyncio.sleep(POLL_MS / 1_000)
                continue
            try:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS_MAX)
            except OffsetOutOfRangeError as error:
                await self._rewind(consumer, error.args[0])
                continue
            self._keep(batches)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """Assign what matches the pattern; known partitions go on where the journal ends."""
        assert self._metadata is not None
        async with asyncio.timeout(LOOK_S_MAX):
            cluster = await self._metadata.fetch_all_metadata()
        found = {
            TopicPartition(topic, partition)
            for topic in cluster.topics()
            if self._pattern.search(topic) and not topic.startswith("__")
            for partition in cluster.partitions_for_topic(topic) or ()
        }
        if found == self._assigned:
            return
        self._assigned = found
        consumer.assign(sorted(found))
        for partition in found:
            consumer.seek(partition, self._positions.setdefault(partition, 0))

    async def _rewind(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """The log is shorter than the journal, or lost its beginning: go on from what there is."""
        for partition, offset in (await consumer.beginning_offsets(list(partitions))).items():
            self._positions[partition] = offset
            consumer.seek(partition, offset)
            self.journal.append(
                TapRecord(kind="rewound", topic=partition.topic, partition=partition.partition, offset=offset)
            )

    def _keep(self, batches: Records) -> None:
        lines: list[TapRecord] = []
        for partition, records in batches.items():
            position = self._positions.get(partition, 0)
            for record in records:
                # A reassignment may deliver again what is already journalled.
                if record.offset >= position:
                    lines.append(self._line(record))
                    position = record.offset + 1
            self._positions[partition] = position
        if lines:
            self.journal.append_many(lines)

    def _line(self, record: ConsumerRecord[bytes, bytes]) -> TapRecord:
        value = record.value or b""
        line = TapRecord(
            kind="record",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode(errors="replace"),
            timestamp_ms=record.timestamp,
            bytes=len(value),
            headers={
                name: (content or b"").decode(errors="replace")[:HEADER_CHARS_MAX] for name, content in record.headers
            },
        )
        try:
            envelope = self._decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            line.undecodable = True
            return line
        line.event_id = envelope.id
        line.type = envelope.type
        line.version = envelope.version
        line.aggregate_id = envelope.aggregate_id
        line.aggregate_version = envelope.aggregate_version
        line.occurred_at = envelope.occurred_at
        line.trace_id = _trace_id(envelope.traceparent or line.headers.get("traceparent", ""))
        line.order_id = self._order_id(envelope)
        return line

    def _order_id(self, envelope: _Envelope) -> str:
        try:
            return self._decode_data(envelope.data).order_id or ""
        except msgspec.MsgspecError:
            # An envelope whose data names no order is as good a record as any; its readers judge the data.
            return ""


def _positions(path: Path) -> dict[TopicPartition, int]:
    positions: dict[TopicPartition, int] = {}
    for record in iterate(path, _Place):
        following = record.offset if record.kind == "rewound" else record.offset + 1
        positions[TopicPartition(record.topic, record.partition)] = following
    return positions


def _trace_id(traceparent: str) -> str:
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""
