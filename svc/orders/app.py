"""The composition root of the orders service."""

from litestar import Litestar

from shared.service import Runtime
from svc.orders import jobs
from svc.orders.api import ROUTES
from svc.orders.clients import CatalogClient, InventoryClient, ShippingClient
from svc.orders.consumers import subscription
from svc.orders.domain.cart import merge_lines
from svc.orders.placing import Placement, SagaResolver
from svc.orders.settings import Settings


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    catalog = CatalogClient(runtime.client, runtime.cache, settings)
    inventory = runtime.seam("orders.reserve_stock", InventoryClient(runtime.client, settings))
    resolver = jobs.resolver(
        runtime.seam("orders.saga_resolver", SagaResolver)(
            runtime.database, inventory, clock=runtime.clock, config=settings
        ),
        every_s=settings.resolver_interval_s,
    )
    placement = runtime.seam("orders.place", Placement)(
        runtime.database,
        catalog=catalog,
        inventory=inventory,
        shipping=ShippingClient(runtime.client, runtime.cache, settings),
        clock=runtime.clock,
        config=settings,
        wake_resolver=resolver.wake,
    )
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "catalog": catalog,
            "placement": placement,
            "merge_lines": runtime.seam("orders.merge_cart", merge_lines),
            "config": settings,
        },
        subscription=runtime.seam("orders.subscription", subscription(settings)),
        jobs=[resolver, jobs.housekeeping(runtime.database)],
    )
