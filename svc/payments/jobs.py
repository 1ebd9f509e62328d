"""The work of payments beside requests and events: charges, refunds, stored webhooks.

Each job claims in a transaction, calls the PSP outside of any, and stores what came of it in another.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.database import Database
from shared.errors import WorldError
from shared.jobs_queue import Periodic
from shared.lanes import Lanes
from shared.tracing import span
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, RefundOutcome, Step
from svc.payments.handlers.outcomes import Apply
from svc.payments.handlers.webhooks import apply_webhook
from svc.payments.settings import Settings
from svc.payments.store import payments, refunds, webhooks
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund
from svc.payments.store.webhooks import StoredWebhook

WEBHOOK_ATTEMPTS_MAX = 5
WEBHOOK_RETRY_S = 0.5

log = structlog.get_logger(__name__)

Charge = Callable[[Psp, Payment], Awaitable[ChargeOutcome]]
SendRefund = Callable[[Psp, Refund], Awaitable[RefundOutcome]]


class ChargeDesk:
    """Charges what is due and asks about what is in doubt, several payments beside each other."""

    def __init__(self, database: Database, psp: Psp, *, charge: Charge, apply: Apply, settings: Settings) -> None:
        self._database = database
        self._psp = psp
        self._charge = charge
        self._apply = apply
        self._settings = settings
        self.lanes = Lanes("charge", claim=self._claim, serve=self._serve, lanes_max=settings.lanes_max)
        self.job = Periodic("charge_payments", settings.poll_interval_s, self.lanes.work)

    async def _claim(self, lanes: int) -> Sequence[Payment]:
        async with self._database.begin() as uow:
            return await payments.claim_due(uow.connection, rows_max=lanes, lease_s=self._settings.lease_s)

    async def _serve(self, payment: Payment) -> None:
        with span(f"psp.charge {payment.status}", kind="client", parent=payment.traceparent or ""):
            outcome = await self._charge(self._psp, payment)
            async with self._database.begin() as uow:
                decision = await self._apply(uow, payment.id, outcome, absence_grace_s=self._settings.absence_grace_s)
                if decision.step is Step.REVIEW:
                    await payments.halt(uow.connection, payment.id)
            log.info("charge", payment_id=payment.id, outcome=type(outcome).__name__, step=decision.step.value)
        if decision.step in {Step.DOUBT, Step.RETRY}:
            self.job.wake()


class RefundDesk:
    """Sends refunds that are due and asks about those in doubt."""

    def __init__(self, database: Database, psp: Psp, *, send: SendRefund, apply: Apply, settings: Settings) -> None:
        self._database = database
        self._psp = psp
        self._send = send
        self._apply = apply
        self._settings = settings
        self.lanes = Lanes("refund", claim=self._claim, serve=self._serve, lanes_max=settings.lanes_max)
        self.job = Periodic("send_refunds", settings.poll_interval_s, self.lanes.work)

    async def _claim(self, lanes: int) -> Sequence[Refund]:
        async with self._database.begin() as uow:
            return await refunds.claim_due(uow.connection, rows_max=lanes, lease_s=self._settings.lease_s)

    async def _serve(self, refund: Refund) -> None:
        with span(f"psp.refund {refund.status}", kind="client", parent=refund.traceparent or ""):
            outcome = await self._send(self._psp, refund)
            async with self._database.begin() as uow:
                decision = await self._apply(uow, refund.id, outcome, absence_grace_s=self._settings.absence_grace_s)
            log.info("refund", refund_id=refund.id, outcome=type(outcome).__name__, step=decision.step.value)
        if decision.step in {Step.DOUBT, Step.RETRY}:
            self.job.wake()


def webhook_applier(database: Database, apply_outcome: Apply, settings: Settings) -> Periodic:
    """Applies stored webhooks, each in a transaction of its own; one that keeps failing ends as `failed`."""

    async def apply_next() -> int:
        stored: StoredWebhook | None = None
        try:
            async with database.begin() as uow:
                stored = await webhooks.next_due(uow.connection)
                if stored is None:
                    return 0
                with span(f"webhook {stored.type}", kind="consumer", parent=stored.traceparent or ""):
                    await apply_webhook(
                        uow, stored, apply_outcome=apply_outcome, absence_grace_s=settings.absence_grace_s
                    )
        except WorldError:
            raise
        except Exception:
            if stored is None:
                raise
            log.exception("webhook_failed", event_id=stored.event_id)
            async with database.begin() as uow:
                await webhooks.postpone(
                    uow.connection, stored.event_id, delay_s=WEBHOOK_RETRY_S, attempts_max=WEBHOOK_ATTEMPTS_MAX
                )
        return 1

    return Periodic("apply_webhooks", settings.poll_interval_s, apply_next)
