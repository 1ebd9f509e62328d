"""The composition root of the analytics service."""

from litestar import Litestar

from shared.service import Runtime
from svc.analytics.api import ROUTES
from svc.analytics.consumers import subscription
from svc.analytics.jobs import projector
from svc.analytics.parts import HEALTHY, Parts
from svc.analytics.settings import Settings


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    job = projector(runtime.database, parts.project, every_s=settings.project_interval_s)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "project_job": job},
        subscription=subscription(parts.recorder(job.wake)),
        jobs=[job],
    )
