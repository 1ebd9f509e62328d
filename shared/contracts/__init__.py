"""The events of the fleet: one module per publishing service, and the envelope they travel in.

The structs are the contract; the AsyncAPI document is generated from them.
"""

from collections.abc import Iterable

from shared.contracts import analytics, auth, catalog, inventory, notifications, orders, payments, shipping
from shared.contracts.envelope import (
    REGISTRY,
    Envelope,
    EnvelopeHeader,
    Event,
    PoisonError,
    Topic,
    decode_data,
    decode_header,
    encode,
)
from shared.contracts.values import Address, OrderLine, StockLine

MODULES = (analytics, auth, catalog, inventory, notifications, orders, payments, shipping)
"""Importing them fills the registry."""

EVENT_TOPICS: tuple[Topic, ...] = tuple(module.TOPIC for module in MODULES)


def dead_letter_topic(service: str) -> Topic:
    """Where the poison of one service's consumer goes."""
    return Topic(name=f"dead.{service}", partitions=1)


def topics(services: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic of a fleet whose consuming services are these."""
    return (*EVENT_TOPICS, *(dead_letter_topic(service) for service in services))


__all__ = [
    "EVENT_TOPICS",
    "REGISTRY",
    "Address",
    "Envelope",
    "EnvelopeHeader",
    "Event",
    "OrderLine",
    "PoisonError",
    "StockLine",
    "Topic",
    "dead_letter_topic",
    "decode_data",
    "decode_header",
    "encode",
    "topics",
]
