"""The composition root of the search service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.jobs_queue import JobQueue
from shared.pruning import Rule
from shared.service import Runtime
from svc.search import consumers
from svc.search.api import ROUTES
from svc.search.jobs import RebuildJobs, index_documents, ranker, stock_viewer
from svc.search.misses import Misses
from svc.search.parts import HEALTHY, Parts
from svc.search.settings import Settings
from svc.search.store import misses

PRUNING = (
    Rule("sales", "day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 90"),
    Rule("misses", misses.OLD),
    Rule("misses", misses.BEYOND),
)


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts, and the engine may be away then."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    engine = parts.engine(settings.elasticsearch_url)
    catalog = parts.catalog(runtime.client)
    indexer = parts.indexer(runtime.database, engine, prefix=settings.prefix)
    index_job = index_documents(indexer, every_s=settings.index_interval_s)
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    rebuilds = RebuildJobs(runtime.database, queue, parts.rebuilder(runtime.database, engine, indexer, catalog))
    missed = Misses(runtime.database, every_s=settings.misses_every_s)
    snapshots = parts.snapshots(
        engine,
        runtime.redis,
        prefix=settings.prefix,
        index=indexer.current,
        life_s=settings.snapshot_life_s,
        age_s=settings.snapshot_age_s,
    )
    searcher = parts.searcher(
        engine,
        catalog,
        CircuitBreaker(runtime.redis, "search-engine", prefix=settings.prefix),
        snapshots,
        missed,
        index=indexer.current,
        timeout_s=settings.search_timeout_s,
    )
    runtime.add_check("elasticsearch", indexer.check)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "searcher": searcher, "queue_rebuild": rebuilds.ask},
        subscription=consumers.subscription(parts, index_job.wake),
        jobs=[
            index_job,
            stock_viewer(runtime.database, parts.stock(runtime.client), index_job, every_s=settings.stock_look_s),
            ranker(runtime.database, catalog, index_job, every_s=settings.rank_s),
            rebuilds.worker(),
        ],
        pruning=PRUNING,
        resources=[engine, queue, snapshots, missed],
    )
