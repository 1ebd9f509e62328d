"""The frame every event travels in, and the reading of it.

Nothing here knows a particular event; the publishing services' modules beside this one do.
"""

from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

REGISTRY: dict[str, type["Event"]] = {}
"""Event type (wire name) → struct; filled when the contract modules are imported."""


class Topic(msgspec.Struct, frozen=True):
    """A Kafka topic as the boot creates it; `name` comes without the stack's prefix."""

    name: str
    partitions: int = 4


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A fact in the past tense. Subclasses set `type`, `topic` and `schema_version`.

    Unknown fields are ignored, so that a publisher may add one without breaking its readers; removing or
    reinterpreting one needs a new `schema_version`.
    """

    type: ClassVar[str] = ""
    topic: ClassVar[Topic]
    schema_version: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the event under its wire name."""
        super().__init_subclass__(**kwargs)
        if cls.type:
            REGISTRY[cls.type] = cls


E_co = TypeVar("E_co", bound=Event, covariant=True)


class Envelope(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True):
    """One event on its way: who it is about, which change it was, and the trace it belongs to.

    `aggregate_version` counts the published changes of one aggregate from 1 without gaps.
    """

    id: UUID
    type: str
    version: int
    aggregate_id: str
    aggregate_version: int
    occurred_at: datetime
    traceparent: str | None = None
    data: E_co


class EnvelopeHeader(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope whose data is not read yet."""

    id: UUID
    type: str
    version: int
    aggregate_id: str
    aggregate_version: int
    occurred_at: datetime
    traceparent: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class PoisonError(Exception):
    """The bytes are no event this reader may act upon; `reason` is a stable code.

    Reasons: `undecodable` (not an envelope), `unknown_version` (a newer schema), `invalid_data`.
    """

    def __init__(self, reason: str, detail: str, header: EnvelopeHeader | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.header = header


_encoder = msgspec.json.Encoder()
_header_decoder = msgspec.json.Decoder(EnvelopeHeader)
_data_decoders: dict[type[Event], msgspec.json.Decoder[Event]] = {}


def encode(envelope: Envelope[Event]) -> bytes:
    """JSON bytes of the envelope; keys are strings, money is integer minor units."""
    return _encoder.encode(envelope)


def decode_header(payload: bytes) -> EnvelopeHeader:
    """Read everything but the data. Raises `PoisonError` (`undecodable`)."""
    try:
        return _header_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PoisonError("undecodable", str(error)) from error


def decode_data(header: EnvelopeHeader, event_type: type[Event]) -> Envelope[Event]:
    """Read the data as `event_type`. Raises `PoisonError` (`unknown_version`, `invalid_data`)."""
    if header.version != event_type.schema_version:
        raise PoisonError(
            "unknown_version",
            f"{header.type} v{header.version}, known is v{event_type.schema_version}",
            header,
        )
    decoder = _data_decoders.get(event_type)
    if decoder is None:
        decoder = _data_decoders[event_type] = msgspec.json.Decoder(event_type)
    try:
        data = decoder.decode(header.data)
    except msgspec.DecodeError as error:
        raise PoisonError("invalid_data", str(error), header) from error
    return Envelope(
        id=header.id,
        type=header.type,
        version=header.version,
        aggregate_id=header.aggregate_id,
        aggregate_version=header.aggregate_version,
        occurred_at=header.occurred_at,
        traceparent=header.traceparent,
        data=data,
    )
