"""Planted: the client of the payment provider repeats what failed, and every repeat is a new request to it."""

from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.ids import new_id
from shared.settings import ServiceSettings
from svc.payments.clients import HttpPsp, PspPayment

CARD = DefectCard(
    id="new-key-per-retry",
    title="Every retry has a key of its own",
    parts=("payments.psp",),
    root_cause=(
        "The HTTP client retries by itself and makes the idempotency key where it makes the request, so the provider "
        "cannot know that the second one is the first again."
    ),
    caught_by=("INV-05",),
    exposed_by="Charges that succeed at the provider and whose answer is late or lost.",
    symptoms="One order, a time-out in the log, success on the second try, two transaction ids at the provider.",
    fix="Derive the key from the payment and store it before the first call; retry at one layer only.",
    origin="Stripe's API guide, idempotent requests: the key belongs to the operation, not to the attempt.",
)

TRIES_MAX = 2


def twin(_healthy: type[HttpPsp], _settings: ServiceSettings) -> type[HttpPsp]:
    """A client with a helpful retry."""
    return RetryingPsp


class RetryingPsp(HttpPsp):
    """Charges again when the answer does not come."""

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment:
        """Each try under a key that was never used."""
        for last in range(1, TRIES_MAX + 1):
            try:
                return await super().charge(
                    order_id,
                    amount_minor=amount_minor,
                    currency=currency,
                    payment_method=payment_method,
                    idempotency_key=f"{idempotency_key}-{new_id()}",
                )
            except (RemoteTimeoutError, RemoteUnavailableError):
                if last == TRIES_MAX:
                    raise
        raise AssertionError("the last try returns or raises")


TWINS: Twins = {"payments.psp": twin}
