"""The composition root of the notifications service."""

from litestar import Litestar

from shared.service import Runtime
from svc.notifications.api import ROUTES
from svc.notifications.clients import SmtpServer
from svc.notifications.consumers import subscription
from svc.notifications.handlers import Letters
from svc.notifications.jobs import Sender, sending
from svc.notifications.letters import Writer
from svc.notifications.settings import Settings


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    sender = runtime.seam("notifications.sender", Sender)(
        runtime.database, Writer(settings.sender_address), lambda: SmtpServer(settings.smtp_url)
    )
    job = sending(sender, every_s=settings.send_interval_s)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database},
        subscription=runtime.seam("notifications.subscription", subscription(Letters(job.wake))),
        jobs=[job],
        resources=[sender],
    )
