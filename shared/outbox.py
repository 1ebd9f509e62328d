"""The relay from the outbox table to Kafka: one active per service, woken by NOTIFY, polling as fallback.

It reads unsent rows, never "position greater than the last seen": a transaction with a lower position may commit
later than one with a higher.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from shared.database import GONE, Database
from shared.errors import BrokerUnavailableError
from shared.kafka_producer import Message, Producer
from shared.unit_of_work import EVENT_BYTES_MAX

BATCH_ROWS_MAX = 500
POLL_INTERVAL_S = 1.0
PRUNE_INTERVAL_S = 60.0
RETENTION = "24 hours"
RETRY_DELAY_S = 0.3
RELAY_LOCK = 7_261_002
DEAD_LETTER_BYTES_MAX = EVENT_BYTES_MAX

_CLAIM = """
    SELECT position, topic, aggregate_id, payload FROM outbox
    WHERE sent_at IS NULL ORDER BY position LIMIT $1
"""
_CLAIM_DEAD = """
    SELECT id, consumer, event_id, aggregate_id, topic, partition, offset_, reason, attempts, payload
    FROM dead_letters WHERE published_at IS NULL ORDER BY id LIMIT $1
"""

log = structlog.get_logger(__name__)


class Relay:
    """Moves events from one service's outbox to their topics, in order per aggregate.

    Invariant: a row is marked sent only after the broker acknowledged it, so every stored event reaches its topic at
    least once. Several instances may run it; a session advisory lock lets one work at a time.
    """

    def __init__(self, database: Database, producer: Producer) -> None:
        self._database = database
        self._producer = producer
        self._wake = asyncio.Event()
        self.backlog_rows = 0
        self.active = False

    async def run(self) -> None:
        """Relay until cancelled; outlives the loss of PostgreSQL and of Kafka."""
        while True:
            try:
                await self._run_connected()
            except (OSError, asyncpg.InterfaceError, *GONE) as error:
                log.warning("relay_lost_database", error=repr(error))
            finally:
                self.active = False
            await asyncio.sleep(RETRY_DELAY_S)

    async def _run_connected(self) -> None:
        connection = await self._database.connect()
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):
                await asyncio.sleep(POLL_INTERVAL_S)
            await connection.add_listener("outbox", self._notified)
            connection.add_termination_listener(lambda _connection: self._wake.set())
            self.active = True
            log.info("relay_active")
            await self._drain_for_ever(connection)
        finally:
            connection.terminate()

    def _notified(self, *_: object) -> None:
        self._wake.set()

    async def _drain_for_ever(self, connection: asyncpg.Connection) -> None:
        loop = asyncio.get_running_loop()
        pruned_at, looked_at = loop.time(), -POLL_INTERVAL_S
        while True:
            self._wake.clear()
            try:
                moved = await self._relay_events(connection)
                if loop.time() - looked_at >= POLL_INTERVAL_S:  # dead letters notify nobody
                    moved += await self._publish_dead_letters(connection)
                    looked_at = loop.time()
            except BrokerUnavailableError as error:
                log.warning("relay_lost_broker", error=str(error))
                await asyncio.sleep(RETRY_DELAY_S)
                continue
            if moved >= BATCH_ROWS_MAX:
                continue
            if loop.time() - pruned_at > PRUNE_INTERVAL_S:
                await connection.execute(f"DELETE FROM outbox WHERE sent_at < now() - interval '{RETENTION}'")  # noqa: S608 a constant
                pruned_at = loop.time()
            await _wait(self._wake.wait, POLL_INTERVAL_S)

    async def _relay_events(self, connection: asyncpg.Connection) -> int:
        rows = await connection.fetch(_CLAIM, BATCH_ROWS_MAX)
        self.backlog_rows = len(rows)
        if not rows:
            return 0
        await self._producer.send([Message(row["topic"], row["aggregate_id"], row["payload"].encode()) for row in rows])
        await connection.execute(
            "UPDATE outbox SET sent_at = clock_timestamp() WHERE position = ANY($1::bigint[])",
            [row["position"] for row in rows],
        )
        self.backlog_rows = 0
        return len(rows)

    async def _publish_dead_letters(self, connection: asyncpg.Connection) -> int:
        rows = await connection.fetch(_CLAIM_DEAD, BATCH_ROWS_MAX)
        if not rows:
            return 0
        await self._producer.send([_dead_letter_message(row) for row in rows])
        await connection.execute(
            "UPDATE dead_letters SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[])",
            [row["id"] for row in rows],
        )
        return len(rows)


def _dead_letter_message(row: asyncpg.Record) -> Message:
    headers = {
        "reason": row["reason"],
        "attempts": row["attempts"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset_"],
        "event_id": row["event_id"] or "",
    }
    payload: bytes = row["payload"]
    if len(payload) > DEAD_LETTER_BYTES_MAX:  # no broker takes more back with the headers; the row keeps all of it
        headers["payload_bytes"] = len(payload)
        payload = b""
    return Message(
        topic=f"dead.{row['consumer']}",
        key=row["aggregate_id"] or "",
        value=payload,
        headers=[(name, str(value).encode()) for name, value in headers.items()],
    )


async def _wait(condition: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Wait for the condition, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await condition()
    except TimeoutError:
        return
