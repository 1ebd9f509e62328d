from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

class TopicPartition(NamedTuple):
    topic: str
    partition: int

class OffsetAndMetadata(NamedTuple):
    offset: int
    metadata: str

class RecordMetadata(NamedTuple):
    topic: str
    partition: int
    topic_partition: TopicPartition
    offset: int
    timestamp: int | None
    timestamp_type: int
    log_start_offset: int | None

class ConsumerRecord(Generic[_Key, _Value]):
    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: _Key | None
    value: _Value | None
    headers: Sequence[tuple[str, bytes | None]]
