"""The composition root of the catalog service."""

from litestar import Litestar

from shared.service import Runtime
from svc.catalog.api import ROUTES
from svc.catalog.parts import HEALTHY, Parts
from svc.catalog.settings import Settings


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    shelf = runtime.parts.shelf(
        runtime.database,
        runtime.cache,
        ttl_s=settings.product_ttl_s,
        stale_s=settings.product_stale_s,
    )
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "shelf": shelf},
    )
