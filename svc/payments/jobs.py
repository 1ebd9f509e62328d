"""The work of payments beside requests and events: charges, settlements, refunds, webhooks, daily reconciliation."""

from collections.abc import Sequence
from functools import partial

import structlog

from shared import webhook_inbox
from shared.database import Database
from shared.jobs_queue import JobKind, JobQueue, JobWorker
from shared.unit_of_work import Connection, UnitOfWork
from shared.webhook_inbox import WebhookWork
from shared.work_table import Verdict, WorkEngine
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, RefundOutcome, SettlementOutcome, Step
from svc.payments.handlers import authorising
from svc.payments.handlers.reconciliation import reconcile
from svc.payments.parts import Parts
from svc.payments.settings import Settings
from svc.payments.store import authorisations, payments, reconciliations, refunds
from svc.payments.store.authorisations import Authorisation
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund

RECONCILE = JobKind(name="reconcile", timeout_s=600, attempts_max=8, retry_first_s=5.0, retry_max_s=600.0)
DAILY = "15 3 * * *"

log = structlog.get_logger(__name__)

VERDICTS = {
    Step.SETTLE: Verdict.DONE,
    Step.HOLD: Verdict.DONE,
    Step.FAIL: Verdict.DEAD,
    Step.CANCEL: Verdict.DONE,
    Step.DOUBT: Verdict.ASK,
    Step.RETRY: Verdict.RETRY,
    Step.REVIEW: Verdict.REVIEW,
    Step.NOTHING: Verdict.DONE,
}


class ChargeWork(WorkEngine[Payment, ChargeOutcome]):
    """Charges what is due and asks about what is in doubt."""

    def __init__(self, database: Database, psp: Psp, parts: Parts, settings: Settings) -> None:
        super().__init__("charge_payments", database, payments.WORK, settings.pace)
        self._psp = psp
        self._parts = parts
        self._absence_grace_s = settings.absence_grace_s

    async def claimed(self, connection: Connection, items: Sequence[Payment]) -> None:
        await payments.note_claim(connection, items)

    async def perform(self, item: Payment) -> ChargeOutcome:
        return await self._parts.charge(self._psp, item)

    async def record(self, uow: UnitOfWork, item: Payment, outcome: ChargeOutcome) -> Verdict:
        decision = await self._parts.apply_outcome(uow, item.id, outcome, absence_grace_s=self._absence_grace_s)
        if decision.step is Step.REVIEW:
            await payments.WORK.halt(uow.connection, item.id, decision.reason)
        return VERDICTS[decision.step]

    def trace_of(self, item: Payment) -> tuple[str, str]:
        return f"psp.charge {item.status}", item.traceparent or ""


class SettlementWork(WorkEngine[Authorisation, SettlementOutcome]):
    """Captures or lets go of what is held, and asks about what is in doubt."""

    def __init__(self, database: Database, psp: Psp, parts: Parts, settings: Settings) -> None:
        super().__init__("settle_authorisations", database, authorisations.WORK, settings.pace)
        self._psp = psp
        self._absence_grace_s = settings.absence_grace_s
        self._apply_outcome = partial(parts.apply_outcome, absence_grace_s=settings.absence_grace_s)

    async def perform(self, item: Authorisation) -> SettlementOutcome:
        return await authorising.settle(self._psp, item)

    async def record(self, uow: UnitOfWork, item: Authorisation, outcome: SettlementOutcome) -> Verdict:
        decision = await authorising.apply_settlement(
            uow, item, outcome, apply_outcome=self._apply_outcome, absence_grace_s=self._absence_grace_s
        )
        return VERDICTS[decision.step]

    def trace_of(self, item: Authorisation) -> tuple[str, str]:
        return f"psp.{item.intent} {item.status}", item.traceparent or ""


class RefundWork(WorkEngine[Refund, RefundOutcome]):
    """Sends refunds that are due and asks about those in doubt."""

    def __init__(self, database: Database, psp: Psp, parts: Parts, settings: Settings) -> None:
        super().__init__("send_refunds", database, refunds.WORK, settings.pace)
        self._psp = psp
        self._parts = parts
        self._absence_grace_s = settings.absence_grace_s

    async def perform(self, item: Refund) -> RefundOutcome:
        return await self._parts.send_refund(self._psp, item)

    async def record(self, uow: UnitOfWork, item: Refund, outcome: RefundOutcome) -> Verdict:
        decision = await self._parts.apply_refund_outcome(uow, item.id, outcome, absence_grace_s=self._absence_grace_s)
        return VERDICTS[decision.step]

    def trace_of(self, item: Refund) -> tuple[str, str]:
        return f"psp.refund {item.status}", item.traceparent or ""


def webhook_work(database: Database, parts: Parts, settings: Settings) -> WebhookWork:
    """Applies the PSP's stored webhooks through the same transitions as its answers."""
    apply = partial(
        parts.apply_webhook,
        apply_outcome=partial(parts.apply_outcome, absence_grace_s=settings.absence_grace_s),
        apply_refund_outcome=partial(parts.apply_refund_outcome, absence_grace_s=settings.absence_grace_s),
    )
    return webhook_inbox.WebhookWork(database, apply, settings.pace)


def daily_reconciliation(database: Database, psp: Psp, queue: JobQueue) -> JobWorker:
    """Compares the books once a day and keeps the report; a person is told by the log when they differ."""

    async def run() -> None:
        report = await reconcile(database, psp)
        async with database.begin() as uow:
            await reconciliations.insert(uow.connection, report)
        if report.differences or not report.complete:
            log.warning("books_differ", differences=len(report.differences), complete=report.complete)

    return JobWorker(queue, {RECONCILE: run}, at_once_max=1, crons={RECONCILE: DAILY})
