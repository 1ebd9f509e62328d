"""The composition root of the analytics service."""

from litestar import Litestar

from shared.service import Runtime
from svc.analytics.api import ROUTES
from svc.analytics.consumers import subscription
from svc.analytics.handlers import Recorder
from svc.analytics.jobs import projector
from svc.analytics.settings import Settings


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    job = projector(runtime.database, every_s=settings.project_interval_s)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database},
        subscription=runtime.seam("analytics.subscription", subscription(Recorder(job.wake))),
        jobs=[job],
    )
