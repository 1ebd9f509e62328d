"""The topics of the fleet, from its contracts and its stack definition: created when missing."""

from collections.abc import Sequence
from typing import Final

from compose.operator_error import OperatorError

REQUEST_MS_MAX: Final = 10_000
TOPIC_EXISTS: Final = 36


async def ensure(bootstrap: str, services: Sequence[str]) -> int:
    """Create every missing topic, of events and of the dead letters of `services`; returns how many had to be made."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # noqa: PLC0415 -- 0.2 s to import

    from shared import contracts  # noqa: PLC0415 -- imports every contract

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS_MAX)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in contracts.topics(services) if topic.name not in existing]
        if not missing:
            return 0
        answer = await admin.create_topics([NewTopic(topic.name, topic.partitions, 1) for topic in missing])
        for name, code, message in answer.topic_errors:
            if code not in {0, TOPIC_EXISTS}:
                raise OperatorError(
                    "kafka.topic",
                    f"Kafka would not create the topic {name}: {message or code}.",
                    mend="Restart the engine: shopctl restart kafka; if it persists: shopctl down --wipe.",
                )
        return len(missing)
    finally:
        await admin.close()
