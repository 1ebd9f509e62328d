"""The composition root of the catalog service."""

from litestar import Litestar

from shared.service import Runtime
from svc.catalog import store
from svc.catalog.api import ROUTES
from svc.catalog.settings import Settings
from svc.catalog.shelf import Shelf


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    shelf = runtime.seam("catalog.shelf", Shelf)(
        runtime.database,
        runtime.cache,
        read_products=runtime.seam("catalog.list_products", store.list_products),
        ttl_s=settings.product_ttl_s,
        stale_s=settings.product_stale_s,
    )
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "shelf": shelf},
    )
