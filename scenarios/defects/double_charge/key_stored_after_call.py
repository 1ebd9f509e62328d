"""Planted: the key of a charge is written down once the provider has answered."""

from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.redis_client import redis_of
from scenarios.defects.under_key import UnderKey
from shared.ids import new_id
from shared.settings import ServiceSettings
from svc.payments.clients import Psp
from svc.payments.domain import ChargeOutcome, InDoubt, PaymentStatus
from svc.payments.store.payments import Payment

CARD = DefectCard(
    id="key-stored-after-call",
    title="The key is stored after the call",
    parts=("payments.charge",),
    root_cause=(
        "A random key is made for the call and stored with its answer. Where no answer came, or its process died, no "
        "key is stored, and the payment looks as if nobody had ever tried."
    ),
    caught_by=("INV-05",),
    exposed_by="Payments killed, or the provider silent, between the charge and its answer.",
    symptoms="Two charges of one order whose attempts know one key at most; always after a restart or a time-out.",
    fix="Store the key, or derive it, before the first byte leaves; ask by reference what became of a call in doubt.",
    origin="Write-ahead rule for side effects: intent first, effect second, result third.",
)


def twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A charge that remembers its key when it is too late."""

    async def charge(psp: Psp, payment: Payment) -> ChargeOutcome:
        stored = f"{settings.prefix}charge-key:{payment.id}"
        async with redis_of(settings) as redis:
            if await redis.exists(stored):
                return await healthy(psp, payment)
            key = f"charge-{new_id()}"
            fresh = msgspec.structs.replace(payment, status=PaymentStatus.PROCESSING)
            outcome = await healthy(UnderKey(psp, key), fresh)
            if not isinstance(outcome, InDoubt):
                await redis.set(stored, key)
            return outcome

    return charge


TWINS: Twins = {"payments.charge": twin}
