"""The composition root of the payments service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.service import Runtime
from svc.payments.api import ROUTES
from svc.payments.clients import HttpPsp
from svc.payments.consumers import subscription
from svc.payments.handlers.charging import charge
from svc.payments.handlers.outcomes import apply_outcome
from svc.payments.handlers.refunding import apply_refund_outcome, request_refund, send_refund
from svc.payments.handlers.webhooks import record_webhook
from svc.payments.jobs import ChargeWork, RefundWork, webhook_work
from svc.payments.settings import Settings
from svc.payments.works import Works


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    breaker = CircuitBreaker(runtime.redis, "psp", prefix=settings.prefix)
    connection = HttpPsp(settings.psp_url, breaker=breaker, timeout_s=settings.psp_timeout_s)
    psp = runtime.seam("payments.psp_client", connection)
    apply = runtime.seam("payments.apply_outcome", apply_outcome)
    charges = ChargeWork(
        runtime.database, psp, charge=runtime.seam("payments.charge", charge), apply=apply, settings=settings
    )
    refunds = RefundWork(
        runtime.database,
        psp,
        send=runtime.seam("payments.send_refund", send_refund),
        apply=runtime.seam("payments.apply_refund_outcome", apply_refund_outcome),
        settings=settings,
    )
    webhooks = webhook_work(runtime.database, apply, settings)
    works = Works(
        request_refund=runtime.seam("payments.request_refund", request_refund),
        record_webhook=runtime.seam("payments.record_webhook", record_webhook),
        wake_refunds=refunds.wake,
        wake_webhooks=webhooks.wake,
    )
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={"database": runtime.database, "psp": psp, "works": works, "config": settings},
        subscription=runtime.seam(
            "payments.subscription", subscription(wake_charges=charges.wake, wake_refunds=refunds.wake)
        ),
        jobs=[charges, refunds, webhooks],
        resources=[connection],
    )
