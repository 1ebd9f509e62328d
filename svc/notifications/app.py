"""The composition root of the notifications service."""

from litestar import Litestar

from shared.erasure import Erasure
from shared.jobs_queue import JobQueue, JobWorker
from shared.service import Runtime
from svc.notifications.api import ROUTES
from svc.notifications.consumers import subscription
from svc.notifications.jobs import MAILS_AT_ONCE_MAX, SEND_MAIL, mail_feed
from svc.notifications.parts import HEALTHY, Parts
from svc.notifications.settings import Settings
from svc.notifications.store import ERASING


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    server = parts.mail_server(settings.smtp_url, connections_max=MAILS_AT_ONCE_MAX)
    sender = parts.sender(runtime.database, parts.writer(settings.sender_address, settings.internal_secret), server)
    feed = mail_feed(runtime.database, queue, every_s=settings.send_interval_s)
    erasure = Erasure(runtime.database, ERASING)
    worker = JobWorker(queue, {SEND_MAIL: sender.send}, at_once_max=MAILS_AT_ONCE_MAX)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database},
        subscription=subscription(parts.letters(feed.wake), erasure),
        jobs=[feed, worker, erasure.job()],
        resources=[queue, server],
    )
