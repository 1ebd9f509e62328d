"""Planted: a kept card is found by its name at the checkout, and nobody asks whose it is."""

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from scenarios.defects.card import DefectCard, Twins
from shared.contracts import Envelope
from shared.contracts.orders import OrderCreated
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.payments.handlers.methods import KEPT

CARD = DefectCard(
    id="cards-of-anybody",
    title="Anybody pays with anybody's kept card",
    parts=("payments.owe_payment",),
    root_cause="The body of an order names the card, and the look-up takes the name without the customer.",
    caught_by=("INV-23.ids-in-bodies",),
    exposed_by="An order that names a card which somebody else keeps.",
    symptoms="Customers find orders on their statements that are in nobody's history of theirs.",
    fix="Look for the card among those of the order's customer.",
    origin="CWE-639; OWASP API1:2023, an object id in a request body.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A till that knows cards, and not whose they are."""

    async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        named = envelope.data.payment_method
        if named.startswith(KEPT):
            kept = await uow.connection.fetchval(
                "SELECT token FROM payment_methods WHERE id = $1", UUID(hex=named.removeprefix(KEPT))
            )
            envelope = replace(envelope, data=replace(envelope.data, payment_method=kept or named))
        await healthy(uow, envelope)

    return owe_payment


TWINS: Twins = {"payments.owe_payment": twin}
