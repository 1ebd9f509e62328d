"""The composition root of the orders service."""

from litestar import Litestar

from shared.erasure import Erasure
from shared.service import Runtime
from svc.orders import jobs
from svc.orders.api import ROUTES
from svc.orders.consumers import subscription
from svc.orders.parts import HEALTHY, Parts
from svc.orders.settings import Settings
from svc.orders.store import erasing


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    catalog = parts.catalog(runtime.client, runtime.cache, settings)
    inventory = parts.inventory(runtime.client, settings)
    cancelling = parts.cancelling(runtime.database, parts.warehouse(runtime.client, settings), config=settings)
    resolver = jobs.resolver(
        parts.resolver(runtime.database, inventory, cancelling=cancelling, clock=runtime.clock, config=settings),
        every_s=settings.resolver_interval_s,
    )
    exchange = parts.exchange(runtime.client, settings)
    erasure = Erasure(runtime.database, erasing.STATEMENTS)
    placement = parts.placement(
        runtime.database,
        catalog=catalog,
        inventory=inventory,
        shipping=parts.shipping(runtime.client, runtime.cache, settings),
        exchange=exchange,
        price_order=parts.price_order,
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
            "exchange": exchange,
            "history": parts.history(runtime.database),
            "cart_reader": parts.cart_reader(runtime.database),
            "cancelling": cancelling,
            "parts": parts,
            "config": settings,
            "clock": runtime.clock,
        },
        subscription=subscription(parts, settings, erasure),
        jobs=[resolver, jobs.housekeeping(runtime.database), erasure.job()],
        pruning=jobs.PRUNING,
    )
