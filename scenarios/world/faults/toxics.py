"""The vocabulary of toxics, Toxiproxy's: what each does to one direction of a connection."""

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Stream = Literal["upstream", "downstream"]


class _Toxic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """`downstream` is what the server says; `toxicity` is the share of connections it hits."""

    stream: Stream = "downstream"
    toxicity: Share = 1.0


class Latency(_Toxic, frozen=True, tag="latency"):
    """Delay all data by latency ± jitter."""

    latency_ms: Count = 0
    jitter_ms: Count = 0


class Bandwidth(_Toxic, frozen=True, tag="bandwidth"):
    """At most so much per second; 0 lets nothing through."""

    rate_kb_s: Count = 0


class SlowClose(_Toxic, frozen=True, tag="slow_close"):
    """Close later."""

    delay_ms: Count = 0


class Timeout(_Toxic, frozen=True, tag="timeout"):
    """Let nothing through and close after `after_ms`; 0 never closes."""

    after_ms: Count = 0


class ResetPeer(_Toxic, frozen=True, tag="reset_peer"):
    """Reset the connection after `after_ms`."""

    after_ms: Count = 0


class Slicer(_Toxic, frozen=True, tag="slicer"):
    """Cut data into pieces of average_bytes ± variation_bytes, `delay_us` apart."""

    average_bytes: Count = 0
    variation_bytes: Count = 0
    delay_us: Count = 0


class LimitData(_Toxic, frozen=True, tag="limit_data"):
    """Close after `bytes_max` went through."""

    bytes_max: Count = 0


Toxic = Latency | Bandwidth | SlowClose | Timeout | ResetPeer | Slicer | LimitData
