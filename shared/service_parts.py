"""The replaceable parts that every service has; a service's own `Parts` adds its own.

A part is a function or a class that a planted defect may replace by a broken twin. It is reached through the parts
handed to the composition root and in no other way.
"""

from dataclasses import dataclass

from shared.cache import Cache
from shared.database import Database
from shared.health import Health
from shared.http_protocol import HttpProtocol
from shared.identity import AuthenticationMiddleware, InternalTokens
from shared.kafka_consumer import ConsumerRunner
from shared.kafka_producer import Producer
from shared.outbox import Relay
from shared.service_client import ServiceClient
from shared.service_registry import Registry


@dataclass(frozen=True, kw_only=True)
class ServiceParts:
    """Healthy by default. Every field has a default and one line that says what the part does."""

    database: type[Database] = Database
    """Connections, transactions and their limits."""
    cache: type[Cache] = Cache
    """Shared answers in Redis with one rebuild at a time."""
    client: type[ServiceClient] = ServiceClient
    """Calls to other services: deadline, breaker, the one retry layer."""
    registry: type[Registry] = Registry
    """Which instances of a service can be called."""
    producer: type[Producer] = Producer
    """Messages to the broker, acknowledged."""
    relay: type[Relay] = Relay
    """Stored events to their topics, in order per aggregate."""
    consumer: type[ConsumerRunner] = ConsumerRunner
    """Each event applied once, poison set aside."""
    health: type[Health] = Health
    """What the process says of its own fitness."""
    tokens: type[InternalTokens] = InternalTokens
    """Whom the internal token of a request speaks for."""
    authentication: type[AuthenticationMiddleware] = AuthenticationMiddleware
    """Who may come in at all, and who that is."""
    protocol: type[HttpProtocol] = HttpProtocol
    """One connection: what is no HTTP, and how long a client may take."""
