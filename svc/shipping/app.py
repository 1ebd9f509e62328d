"""The composition root of the shipping service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.erasure import Erasure
from shared.pruning import WEBHOOKS
from shared.service import Runtime
from svc.shipping.api import ROUTES
from svc.shipping.consumers import subscription
from svc.shipping.jobs import ParcelWork, webhook_work
from svc.shipping.parts import HEALTHY, Parts
from svc.shipping.settings import Settings
from svc.shipping.store import erasing
from svc.shipping.store.packing import FORGOTTEN


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    breaker = CircuitBreaker(runtime.redis, "carrier", prefix=settings.prefix)
    connection = parts.carrier(settings.carrier_url, breaker=breaker, timeout_s=settings.carrier_timeout_s)
    parcels = ParcelWork(runtime.database, connection, parts, settings)
    erasure = Erasure(runtime.database, erasing.STATEMENTS)
    webhooks = webhook_work(runtime.database, parts, settings)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "parts": parts,
            "wake_webhooks": webhooks.wake,
            "wake_parcels": parcels.wake,
            "config": settings,
        },
        subscription=subscription(parts, erasure, carrier=settings.carrier_name, wake_parcels=parcels.wake),
        jobs=[parcels, webhooks, erasure.job()],
        pruning=[WEBHOOKS, *FORGOTTEN],
        resources=[connection],
    )
