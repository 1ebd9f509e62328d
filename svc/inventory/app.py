"""The composition root of the inventory service."""

from litestar import Litestar

from shared.service import Runtime
from svc.inventory.api import ROUTES
from svc.inventory.consumers import subscription
from svc.inventory.jobs import alarm, sweeper
from svc.inventory.parts import HEALTHY, Parts
from svc.inventory.settings import Settings


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    batcher = parts.batcher(runtime.database, parts.reserve)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "batcher": batcher, "config": settings, "parts": parts},
        subscription=subscription(parts),
        jobs=[
            sweeper(runtime.database, parts, every_s=settings.sweep_interval_s),
            alarm(runtime.database, every_s=settings.alarm_interval_s),
        ],
        resources=[batcher],
    )
