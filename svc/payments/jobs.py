"""The work of payments beside requests and events: charges, refunds, stored webhooks.

Each job claims in a transaction, calls the PSP outside of any, and stores what came of it in another.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from shared import webhook_inbox
from shared.database import Database
from shared.jobs_queue import Periodic
from shared.lanes import Lanes
from shared.tracing import span
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, RefundOutcome, Step
from svc.payments.handlers.outcomes import Apply
from svc.payments.handlers.webhooks import apply_webhook
from svc.payments.settings import Settings
from svc.payments.store import payments, refunds
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund

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
    """Applies the PSP's stored webhooks through the same transitions as its answers."""
    apply = partial(apply_webhook, apply_outcome=apply_outcome, absence_grace_s=settings.absence_grace_s)
    return webhook_inbox.applier(database, apply, every_s=settings.poll_interval_s)
