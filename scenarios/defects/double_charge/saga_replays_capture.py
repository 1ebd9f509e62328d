"""Planted: what a killed process left is begun anew from its first step, the capture included."""

from typing import Any
from uuid import UUID

import msgspec

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.under_key import UnderKey
from shared.settings import ServiceSettings
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, PaymentStatus, charge_key
from svc.payments.store.payments import Payment

CARD = DefectCard(
    id="saga-replays-capture",
    title="A resumed payment is captured again",
    parts=("payments.charge",),
    root_cause=(
        "After a crash the steps of a payment are replayed; the capture counts as not done because its result was not "
        "stored, and it is sent as a new attempt instead of being asked about."
    ),
    caught_by=("INV-05",),
    exposed_by="Payments killed while the provider has taken the money and its answer is on its way.",
    symptoms="Doubles only right after restarts, a lease apart; a shop that never crashes never sees one.",
    fix="What was begun and has no result is in doubt: ask the provider by reference, repeat with the same key only.",
    origin="Sagas replayed without idempotent steps; 'at most once' assumed of an activity that is at least once.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A charge that takes what another process began for something nobody began."""
    begun_here: set[UUID] = set()

    async def charge(psp: Psp, payment: Payment) -> ChargeOutcome:
        resumed = payment.status is PaymentStatus.UNKNOWN and payment.id not in begun_here
        begun_here.add(payment.id)
        if not resumed:
            return await healthy(psp, payment)
        again = msgspec.structs.replace(payment, status=PaymentStatus.PROCESSING)
        return await healthy(UnderKey(psp, f"{charge_key(payment.id)}-{payment.attempts}"), again)

    return charge


TWINS: Twins = {"payments.charge": twin}
