"""Planted: a charge that is not answered soon has failed."""

import asyncio
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, Declined, InDoubt
from svc.payments.store.payments import Payment

CARD = DefectCard(
    id="timeout-as-failure",
    title="A time-out is taken for a failure",
    parts=("payments.charge",),
    root_cause="Whatever is not an answer is a decline: the order is cancelled, and the money is with the provider.",
    caught_by=("INV-05", "INV-11"),
    exposed_by="Charges that succeed and whose answer is late or lost.",
    symptoms="Customers hold a cancellation mail and a bank statement; the provider has captures of cancelled orders.",
    fix="No answer is a third outcome: ask by reference until the provider says what it did, and void what it took.",
    origin="The two generals: a lost answer says nothing about the request.",
)

PATIENCE_S = 0.5


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A charge that decides when it knows nothing."""

    async def charge(psp: Psp, payment: Payment) -> ChargeOutcome:
        try:
            async with asyncio.timeout(PATIENCE_S):
                outcome = await healthy(psp, payment)
        except TimeoutError:
            return Declined("timeout")
        return Declined("timeout") if isinstance(outcome, InDoubt) else outcome

    return charge


TWINS: Twins = {"payments.charge": twin}
