"""The composition root of the analytics service."""

from litestar import Litestar

from shared.erasure import Erasure
from shared.jobs_queue import JobQueue
from shared.service import Runtime
from svc.analytics.api import ROUTES
from svc.analytics.api.exports import Exports
from svc.analytics.consumers import subscription
from svc.analytics.jobs import ReportMails, event_pruner, partitioner, projector
from svc.analytics.parts import HEALTHY, Parts
from svc.analytics.settings import Settings
from svc.analytics.store import schedules
from svc.analytics.store.figures import FORGOTTEN_MINUTES


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    project_job = projector(runtime.database, parts.project, every_s=settings.project_interval_s)
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    mails = ReportMails(runtime.database, queue, runtime.clock)
    erasure = Erasure(runtime.database, schedules.ERASING)
    jobs = [project_job, partitioner(runtime.database, runtime.clock), mails.worker(), erasure.job()]
    if settings.events_kept_days:
        jobs.append(event_pruner(runtime.database, runtime.clock, kept_days=settings.events_kept_days))
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "project_job": project_job,
            "exports": Exports(runtime.database),
            "clock": runtime.clock,
        },
        subscription=subscription(parts.recorder(project_job.wake, runtime.clock), erasure),
        jobs=jobs,
        pruning=[FORGOTTEN_MINUTES, schedules.FORGOTTEN],
        resources=[queue],
    )
