"""The composition root of the inventory service."""

from litestar import Litestar

from shared.service import Runtime
from svc.inventory import handlers
from svc.inventory.api import ROUTES
from svc.inventory.consumers import SUBSCRIPTION
from svc.inventory.desk import ReservationDesk
from svc.inventory.jobs import sweeper
from svc.inventory.settings import Settings


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    desk = ReservationDesk(runtime.database, runtime.seam("inventory.reserve", handlers.reserve))
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "desk": desk, "config": settings},
        subscription=runtime.seam("inventory.subscription", SUBSCRIPTION),
        jobs=[runtime.seam("inventory.sweeper", sweeper)(runtime.database, every_s=settings.sweep_interval_s)],
        resources=[desk],
    )
