"""The composition root of the notifications service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.erasure import Erasure
from shared.jobs_queue import JobQueue, JobWorker
from shared.service import Runtime
from svc.notifications.api import ROUTES
from svc.notifications.consumers import subscription
from svc.notifications.domain import UnsubscribeLinks
from svc.notifications.jobs import MESSAGES_AT_ONCE_MAX, SEND, digest_maker, message_feed
from svc.notifications.parts import HEALTHY, Parts
from svc.notifications.settings import Settings
from svc.notifications.store import erasing
from svc.notifications.telling import WebhookWork


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    mail = parts.mail_server(settings.smtp_url, connections_max=MESSAGES_AT_ONCE_MAX)
    phones = parts.phones(settings.sms_url, breaker=CircuitBreaker(runtime.redis, "phones", prefix=settings.prefix))
    links = UnsubscribeLinks(settings.internal_secret)
    writer = parts.writer(settings.sender_address, settings.internal_secret, shop_url=settings.gateway_url, links=links)
    sender = parts.sender(runtime.database, writer, mail=mail, phones=phones)
    feed = message_feed(runtime.database, queue, every_s=settings.send_interval_s)
    digests = digest_maker(runtime.database, writer, feed.wake)
    erasure = Erasure(runtime.database, erasing.STATEMENTS)
    worker = JobWorker(queue, {SEND: sender.send}, at_once_max=MESSAGES_AT_ONCE_MAX)
    seller_endpoints = parts.sellers(loopback=settings.webhook_loopback)
    telling = WebhookWork(runtime.database, seller_endpoints, retry_first_s=settings.webhook_retry_first_s)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "writer": writer,
            "links": links,
            "seller_endpoints": seller_endpoints,
        },
        subscription=subscription(parts.letters(feed.wake), parts.news(telling.wake), erasure),
        jobs=[feed, worker, digests, telling, erasure.job()],
        resources=[queue, mail, phones, seller_endpoints],
    )
