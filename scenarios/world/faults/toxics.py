"""The vocabulary of toxics, as Toxiproxy has it: what each does to one direction of a connection.

Units are Toxiproxy's: milliseconds, but microseconds for the slicer's delay; KB/s for bandwidth.
"""

from typing import Annotated, Any, Literal

import msgspec

from scenarios.world.http_messages import ApiError

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Stream = Literal["upstream", "downstream"]


class Latency(msgspec.Struct, frozen=True):
    """Delay all data by latency ± jitter."""

    latency: Count = 0
    jitter: Count = 0


class Bandwidth(msgspec.Struct, frozen=True):
    """At most `rate` KB/s."""

    rate: Count = 0


class SlowClose(msgspec.Struct, frozen=True):
    """Close `delay` later."""

    delay: Count = 0


class Timeout(msgspec.Struct, frozen=True):
    """Let nothing through and close after `timeout`; 0 never closes."""

    timeout: Count = 0


class ResetPeer(msgspec.Struct, frozen=True):
    """Reset the connection after `timeout`."""

    timeout: Count = 0


class Slicer(msgspec.Struct, frozen=True):
    """Cut data into pieces of average_size ± size_variation bytes, `delay` µs apart."""

    average_size: Count = 0
    size_variation: Count = 0
    delay: Count = 0


class LimitData(msgspec.Struct, frozen=True):
    """Close after `bytes` went through."""

    bytes: Count = 0


Attributes = Latency | Bandwidth | SlowClose | Timeout | ResetPeer | Slicer | LimitData

TOXICS: dict[str, type[Attributes]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slow_close": SlowClose,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "limit_data": LimitData,
}


class Toxic(msgspec.Struct, frozen=True):
    """One toxic of one proxy; toxicity is the share of connections it hits."""

    name: str
    type: str
    stream: Stream
    toxicity: Annotated[float, msgspec.Meta(ge=0, le=1)]
    attributes: Attributes


class ToxicWire(msgspec.Struct):
    """A toxic as the API has it."""

    type: str = ""
    name: str = ""
    stream: Stream = "downstream"
    toxicity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    attributes: dict[str, Any] = {}


class ToxicChange(msgspec.Struct):
    """The part of a toxic that may change."""

    toxicity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    attributes: dict[str, Any] = {}


def toxic_of(wire: ToxicWire) -> Toxic:
    """Raises ApiError 400 for an unknown type or attributes that do not fit it."""
    shape = TOXICS.get(wire.type)
    if shape is None:
        raise ApiError(400, "invalid_toxic_type", "invalid toxic type")
    return Toxic(
        name=wire.name or f"{wire.type}_{wire.stream}",
        type=wire.type,
        stream=wire.stream,
        toxicity=wire.toxicity,
        attributes=_attributes(shape, wire.attributes),
    )


def changed(toxic: Toxic, change: ToxicChange) -> Toxic:
    """The toxic with some attributes replaced. Raises ApiError 400."""
    attributes = msgspec.structs.asdict(toxic.attributes) | change.attributes
    toxicity = toxic.toxicity if change.toxicity is None else change.toxicity
    shape = TOXICS[toxic.type]
    return msgspec.structs.replace(toxic, toxicity=toxicity, attributes=_attributes(shape, attributes))


def wire_of(toxic: Toxic) -> ToxicWire:
    """The toxic as the API has it."""
    return ToxicWire(
        type=toxic.type,
        name=toxic.name,
        stream=toxic.stream,
        toxicity=toxic.toxicity,
        attributes=msgspec.structs.asdict(toxic.attributes),
    )


def _attributes(shape: type[Attributes], given: dict[str, Any]) -> Attributes:
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, "bad_request_body", f"bad request body: {error}") from error
