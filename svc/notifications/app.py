"""The composition root of the notifications service."""

from litestar import Litestar

from shared.service import Runtime
from svc.notifications.api import ROUTES
from svc.notifications.consumers import subscription
from svc.notifications.jobs import sending
from svc.notifications.parts import HEALTHY, Parts
from svc.notifications.settings import Settings


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    sender = parts.sender(
        runtime.database, parts.writer(settings.sender_address), lambda: parts.mail_server(settings.smtp_url)
    )
    job = sending(sender, every_s=settings.send_interval_s)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database},
        subscription=subscription(parts.letters(job.wake)),
        jobs=[job],
        resources=[sender],
    )
