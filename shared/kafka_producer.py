"""The one Kafka producer of a service instance: idempotent, acks from all, reconnecting.

Only the outbox relay and the dead-letter publisher send; business code publishes through its unit of work.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared import kafka_connection
from shared.errors import BrokerUnavailableError

LINGER_MS = 2
REQUEST_TIMEOUT_MS = 10_000
SEND_TIMEOUT_S = 15.0
MESSAGE_BYTES_MAX = 1_000_000

kafka_connection.install()

log = structlog.get_logger(__name__)


class Message(NamedTuple):
    """One record to send; `topic` comes without the stack's prefix."""

    topic: str
    key: str
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Producer:
    """Sends batches and says only then that they are sent when the broker has them.

    After any failure the connection is thrown away, so that a sequence broken by a killed broker cannot linger;
    the relay sends again, which consumers' inboxes make harmless.
    """

    def __init__(self, bootstrap: str, *, client_id: str, prefix: str = "") -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._prefix = prefix
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=self._client_id,
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=LINGER_MS,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    max_request_size=MESSAGE_BYTES_MAX,
                )
                try:
                    await producer.start()
                except (KafkaError, OSError) as error:
                    await producer.stop()
                    raise BrokerUnavailableError(f"no Kafka at {self._bootstrap}: {error}") from error
                except BaseException:
                    await producer.stop()  # cancelled half connected
                    raise
                self._producer = producer
        return self._producer

    async def send(self, messages: Sequence[Message]) -> None:
        """Send in order per key and wait for every acknowledgement. Raises `BrokerUnavailableError`."""
        producer = await self._connected()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                pending = [
                    await producer.send(
                        self._prefix + message.topic,
                        key=message.key.encode(),
                        value=message.value,
                        headers=list(message.headers),
                    )
                    for message in messages
                ]
                await asyncio.gather(*pending)
        except (KafkaError, OSError, TimeoutError) as error:
            await self._discard()
            raise BrokerUnavailableError(f"Kafka did not take {len(messages)} messages: {error!r}") from error

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(2):
                await producer.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("producer_stop_failed", error=repr(error))

    async def close(self) -> None:
        """Flush and disconnect."""
        await self._discard()
