"""The frame every event travels in, and the reading of it.

Nothing here knows a particular event; the publishing services' modules beside this one do.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

REGISTRY: dict[str, type["Event"]] = {}
"""Event type (wire name) → struct; filled when the contract modules are imported."""


class Topic(msgspec.Struct, frozen=True):
    """A Kafka topic as the boot creates it; `name` comes without the stack's prefix."""

    name: str
    partitions: int = 4


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A fact in the past tense. Subclasses set `type`, `topic` and `schema_version`.

    Unknown fields are ignored, so that a publisher may add one without breaking its readers; removing or
    reinterpreting one needs a new `schema_version` and an upcaster: `upcasters[n]` makes the data of version n + 1 of
    those of version n, so that what lies in topics and stores is read for ever.
    """

    type: ClassVar[str] = ""
    topic: ClassVar[Topic]
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the event under its wire name. Raises TypeError when a version cannot be read."""
        super().__init_subclass__(**kwargs)
        if set(cls.upcasters) != set(range(1, cls.schema_version)):
            raise TypeError(f"{cls.__name__} v{cls.schema_version} needs an upcaster of each version before it")
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
    version: Annotated[int, msgspec.Meta(ge=1)]
    aggregate_id: Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]{1,200}\Z")]
    aggregate_version: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    occurred_at: datetime
    traceparent: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class PoisonError(Exception):
    """The bytes are no event this reader may act upon; `reason` is a stable code.

    Reasons: `undecodable` (not an envelope), `newer_version` (published by a newer release; redrive it once this
    reader is as new), `invalid_data`.
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
    """Read the data as `event_type`, upcast where it is of an older version.

    Raises `PoisonError` (`newer_version`, `invalid_data`).
    """
    known = event_type.schema_version
    if header.version > known:
        raise PoisonError("newer_version", f"{header.type} v{header.version}, known is v{known}", header)
    decoder = _data_decoders.get(event_type)
    if decoder is None:
        decoder = _data_decoders[event_type] = msgspec.json.Decoder(event_type)
    try:
        if header.version < known:
            data = msgspec.convert(_upcast(header, event_type), event_type)
        else:
            data = decoder.decode(header.data)
    except msgspec.DecodeError as error:
        raise PoisonError("invalid_data", str(error), header) from error
    return Envelope(
        id=header.id,
        type=header.type,
        version=known,
        aggregate_id=header.aggregate_id,
        aggregate_version=header.aggregate_version,
        occurred_at=header.occurred_at,
        traceparent=header.traceparent,
        data=data,
    )


def _upcast(header: EnvelopeHeader, event_type: type[Event]) -> dict[str, Any]:
    data = msgspec.json.decode(header.data, type=dict[str, Any])
    for version in range(header.version, event_type.schema_version):
        try:
            data = event_type.upcasters[version](data)
        except (KeyError, TypeError, ValueError) as error:
            raise PoisonError("invalid_data", f"{header.type} v{version}: {error!r}", header) from error
    return data
