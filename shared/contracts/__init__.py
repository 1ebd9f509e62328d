"""The events of the fleet: one module per publishing service, and the envelope they travel in.

The structs are the contract; the AsyncAPI document is generated from them.
"""

from shared.contracts import auth, catalog, inventory, notifications, orders, payments, shipping
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

CONSUMING_SERVICES = (
    "auth", "catalog", "inventory", "orders", "payments", "shipping", "search", "notifications", "analytics",
)  # fmt: skip

EVENT_TOPICS: tuple[Topic, ...] = (
    auth.TOPIC,
    catalog.TOPIC,
    inventory.TOPIC,
    notifications.TOPIC,
    orders.TOPIC,
    payments.TOPIC,
    shipping.TOPIC,
)


def dead_letter_topic(service: str) -> Topic:
    """Where the poison of one service's consumer goes."""
    return Topic(name=f"dead.{service}", partitions=1)


TOPICS: tuple[Topic, ...] = (*EVENT_TOPICS, *(dead_letter_topic(service) for service in CONSUMING_SERVICES))

__all__ = [
    "CONSUMING_SERVICES",
    "EVENT_TOPICS",
    "REGISTRY",
    "TOPICS",
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
]
