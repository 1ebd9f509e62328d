"""Planted: a report of a payment that is known is not read any further."""

from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import NOTHING, Captured, Decision, PaymentStatus
from svc.payments.store import payments

CARD = DefectCard(
    id="mismatches-passed-over",
    title="A report of another amount is passed over in silence",
    parts=("payments.apply_outcome",),
    root_cause="The id of the payment is known, so the rest of the report is thought to be known as well.",
    caught_by=("INV-23.webhook-mismatch",),
    exposed_by="A report of a known payment with an amount or a currency that was never owed.",
    symptoms="Provider and books differ by cents that add up; the reports that said so are marked as known.",
    fix="Compare amount and currency before anything else, and put what differs before a person.",
    origin="CWE-354; OWASP API10:2023.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A transition that stops reading at the id."""

    async def apply_outcome(uow: UnitOfWork, payment_id: UUID, outcome: Any, *, absence_grace_s: float) -> Decision:
        if isinstance(outcome, Captured):
            payment = await payments.lock(uow.connection, payment_id)
            known = (PaymentStatus.CAPTURED, outcome.psp_payment_id)
            if payment is not None and (payment.status, payment.psp_payment_id) == known:
                return NOTHING
        return await healthy(uow, payment_id, outcome, absence_grace_s=absence_grace_s)

    return apply_outcome


TWINS: Twins = {"payments.apply_outcome": twin}
