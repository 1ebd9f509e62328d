"""The composition root of the catalog service."""

from litestar import Litestar

from shared.jobs_queue import JobQueue
from shared.pruning import Rule
from shared.service import Runtime
from svc.catalog import consumers, jobs
from svc.catalog.api import ROUTES
from svc.catalog.parts import HEALTHY, Parts
from svc.catalog.settings import Settings
from svc.catalog.views import Views

PRUNING = (
    Rule("view_batches", "counted_at < clock_timestamp() - interval '1 day'"),
    Rule("feeds", "begun_at < clock_timestamp() - interval '30 days'"),
)


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    shelf = parts.shelf(
        runtime.database,
        runtime.cache,
        ttl_s=settings.product_ttl_s,
        stale_s=settings.product_stale_s,
    )
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    views = Views(runtime.redis, runtime.database, prefix=settings.prefix)
    warming = jobs.Warming(runtime.database, queue, shelf)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "shelf": shelf,
            "clock": runtime.clock,
            "views": views,
            "ask_to_warm": warming.ask,
        },
        subscription=consumers.subscription(parts, shelf.forget_by_id),
        jobs=[
            jobs.price_turner(runtime.database, shelf, every_s=settings.price_turn_s),
            jobs.mover(runtime.database, shelf),
            jobs.stock_viewer(runtime.database, parts.stock(runtime.client), shelf, every_s=settings.stock_look_s),
            jobs.view_flusher(views),
            warming.worker(),
        ],
        pruning=PRUNING,
        resources=[queue],
    )
