"""Whether a Kafka will do: its version, and the rights to make topics, write, and read as a group."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from compose.addresses import place_of
from compose.external import kafka_version
from compose.external.findings import LOOK_SECONDS_MAX, Found, away, judged, missing_right, unfit
from compose.operator_error import OperatorError

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

VARIABLE: Final = "SHOPSTREAM_KAFKA_BOOTSTRAP"
PROBE: Final = "shopstream.look"
DENIED: Final = frozenset({29, 30, 31})  # topic, group, cluster authorisation failed
WHO: Final = "--allow-principal User:ANONYMOUS"
GRANTS: Final = {
    "make topics": f"kafka-acls.sh --add {WHO} --operation Create --operation Delete --operation Describe --topic '*'",
    "write to topics": f"kafka-acls.sh --add {WHO} --operation Write --operation Read --topic '*'",
    "read as a group": f"kafka-acls.sh --add {WHO} --operation Read --operation Describe --group '*'",
}


async def examine(bootstrap: str) -> Found:
    """Look at the cluster. Raises OperatorError `external.kafka_…`: away, version, right, unfit."""
    host, _, port = place_of(bootstrap).rpartition(":")
    try:
        version = await kafka_version.ask(host.strip("[]"), int(port), seconds_max=LOOK_SECONDS_MAX)
    except (OSError, TimeoutError, ValueError) as error:
        raise away("kafka", bootstrap, error) from error
    found = judged("kafka", bootstrap, version)
    with _quiet():
        await _refuse_missing_rights(bootstrap)
    return found


async def _refuse_missing_rights(bootstrap: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 -- 0.2 s to import
    from aiokafka.errors import KafkaError  # noqa: PLC0415 -- the same

    topic = f"{PROBE}.{uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(LOOK_SECONDS_MAX * 1_000))
    try:
        async with asyncio.timeout(3 * LOOK_SECONDS_MAX):
            await admin.start()
            await _make(admin, bootstrap, topic)
            try:
                await _try(bootstrap, "write to topics", _produce(bootstrap, topic))
                await _try(bootstrap, "read as a group", _commit(bootstrap, topic))
            except OperatorError:
                await admin.delete_topics([topic])
                raise
            await _delete(admin, bootstrap, topic)
    except TimeoutError as error:
        advertised = "answers, but not on the addresses it advertises"
        mend = "Let advertised.listeners name what this machine can reach."
        raise unfit("kafka", bootstrap, advertised, mend=mend) from error
    except (KafkaError, OSError) as error:
        raise away("kafka", bootstrap, error) from error
    finally:
        await admin.close()


async def _make(admin: "AIOKafkaAdminClient", bootstrap: str, topic: str) -> None:
    from aiokafka.admin import NewTopic  # noqa: PLC0415 -- 0.2 s to import

    made = await admin.create_topics([NewTopic(topic, 1, 1)])
    (_, code, message) = made.topic_errors[0]
    if code in DENIED:
        raise _right(bootstrap, "make topics")
    if code:
        what = f"would not make a topic with one replica: {message or code}"
        raise unfit("kafka", bootstrap, what, mend="Allow topics with one partition and one replica there.")


async def _delete(admin: "AIOKafkaAdminClient", bootstrap: str, topic: str) -> None:
    gone = await admin.delete_topics([topic])
    if any(code in DENIED for _, code in gone.topic_error_codes):
        raise _right(bootstrap, "make topics")


async def _produce(bootstrap: str, topic: str) -> None:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 -- 0.2 s to import

    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=int(LOOK_SECONDS_MAX * 1_000),
    )
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"look")
    finally:
        await producer.stop()


async def _commit(bootstrap: str, topic: str) -> None:
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415 -- 0.2 s to import

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=PROBE, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): 1})
    finally:
        await consumer.stop()


async def _try(bootstrap: str, what: str, doing: Any) -> None:
    from aiokafka.errors import (  # noqa: PLC0415 -- 0.2 s to import
        ClusterAuthorizationFailedError,
        GroupAuthorizationFailedError,
        TopicAuthorizationFailedError,
    )

    try:
        await doing
    except (ClusterAuthorizationFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
        raise _right(bootstrap, what) from error


def _right(bootstrap: str, what: str) -> OperatorError:
    return missing_right("kafka", bootstrap, what, grant=GRANTS[what])


@contextmanager
def _quiet() -> Generator[None]:
    """The client library tells every try as an error; the refusal says it once."""
    library = logging.getLogger("aiokafka")
    before, library.level = library.level, logging.CRITICAL
    try:
        yield
    finally:
        library.level = before
