"""The composition root of the shipping service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.service import Runtime
from svc.shipping.api import ROUTES
from svc.shipping.clients import HttpCarrier
from svc.shipping.consumers import subscription
from svc.shipping.handlers.carrying import carry
from svc.shipping.handlers.outcomes import apply_outcome
from svc.shipping.handlers.webhooks import record_webhook
from svc.shipping.jobs import ParcelWork, webhook_work
from svc.shipping.settings import Settings
from svc.shipping.works import Works


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    breaker = CircuitBreaker(runtime.redis, "carrier", prefix=settings.prefix)
    connection = HttpCarrier(settings.carrier_url, breaker=breaker, timeout_s=settings.carrier_timeout_s)
    parcels = ParcelWork(
        runtime.database,
        runtime.seam("shipping.carrier_client", connection),
        carry=runtime.seam("shipping.carry", carry),
        apply=runtime.seam("shipping.apply_outcome", apply_outcome),
        settings=settings,
    )
    webhooks = webhook_work(runtime.database, settings)
    works = Works(record_webhook=runtime.seam("shipping.record_webhook", record_webhook), wake_webhooks=webhooks.wake)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "works": works, "config": settings},
        subscription=runtime.seam(
            "shipping.subscription", subscription(carrier=settings.carrier_name, wake_parcels=parcels.wake)
        ),
        jobs=[parcels, webhooks],
        resources=[connection],
    )
