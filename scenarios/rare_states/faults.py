"""When faults that a probe saw bite struck a service."""

from collections.abc import Iterator

from scenarios.evidence.bundle import Evidence


def moments_of(evidence: Evidence, kind: str, *, service: str = "") -> Iterator[float]:
    """Epoch times of confirmed faults of a kind (`kill` is `kill-at` too) on the processes of a service, or on any."""
    for fault in evidence.facts.faults:
        if fault.confirmed and fault.name.startswith(kind) and fault.target.startswith(service):
            yield fault.at if fault.bit_at is None else fault.bit_at
