"""The composition root of the payments service."""

from litestar import Litestar

from shared.circuit_breaker import CircuitBreaker
from shared.erasure import Erasure
from shared.jobs_queue import JobQueue
from shared.pruning import WEBHOOKS
from shared.service import Runtime
from svc.payments.api import ROUTES
from svc.payments.consumers import Wakes, subscription
from svc.payments.jobs import ChargeWork, RefundWork, SettlementWork, daily_reconciliation, webhook_work
from svc.payments.parts import HEALTHY, Parts
from svc.payments.settings import Settings
from svc.payments.store import erasing, quotes, reconciliations


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    breaker = CircuitBreaker(runtime.redis, "psp", prefix=settings.prefix)
    psp = parts.psp(settings.psp_url, breaker=breaker, timeout_s=settings.psp_timeout_s)
    exchange = parts.exchange(
        settings.psp_url,  # providers tell rates, too
        breaker=CircuitBreaker(runtime.redis, "exchange", prefix=settings.prefix),
        timeout_s=settings.exchange_timeout_s,
    )
    charges = ChargeWork(runtime.database, psp, parts, settings)
    settlements = SettlementWork(runtime.database, psp, parts, settings)
    refunds = RefundWork(runtime.database, psp, parts, settings)
    erasure = Erasure(runtime.database, erasing.STATEMENTS)
    webhooks = webhook_work(runtime.database, parts, settings)
    queue = JobQueue(settings.redis_url, prefix=settings.prefix, service=settings.service)
    reconciling = daily_reconciliation(runtime.database, psp, queue)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "psp": psp,
            "exchange": exchange,
            "parts": parts,
            "wake_refunds": refunds.wake,
            "wake_settlements": settlements.wake,
            "wake_webhooks": webhooks.wake,
            "config": settings,
        },
        subscription=subscription(
            parts,
            erasure,
            held_first_from=settings.held_first,
            wakes=Wakes(charges=charges.wake, refunds=refunds.wake, settlements=settlements.wake),
        ),
        jobs=[charges, settlements, refunds, webhooks, reconciling, erasure.job()],
        pruning=[WEBHOOKS, reconciliations.OLD, quotes.UNUSED],
        resources=[psp, exchange, queue],
    )
