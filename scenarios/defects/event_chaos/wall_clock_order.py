"""Planted: the newest event is the one with the latest time, and times are compared in whole seconds."""

from typing import Any
from uuid import UUID

from scenarios.defects import careless_documents
from scenarios.defects.card import DefectCard, Twins
from shared.contracts import Envelope
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork

CARD = DefectCard(
    id="wall-clock-order",
    title="Wall-clock order instead of version order",
    parts=("search.keep_product", "search.change_price"),
    root_cause="Last write wins by the time in the event, kept in whole seconds; a tie goes to the later comer.",
    caught_by=("INV-15",),
    exposed_by="Changes of one product within a second, or by instances whose clocks differ, that arrive out of order.",
    symptoms="Of quick corrections the first one wins; nobody can reproduce it by hand.",
    fix="Order by the version that the owner of the aggregate counts; clocks order nothing.",
    origin="Last-write-wins registers; DATETIME columns without fractions.",
)


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A handler that believes the clock."""
    newest: dict[UUID, int] = {}

    async def keep(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        product_id, second = envelope.data.product_id, int(envelope.occurred_at.timestamp())
        if second < newest.get(product_id, 0):
            return
        newest[product_id] = second
        await careless_documents.overwrite(uow.connection, envelope)

    return keep


def ignoring(_healthy: Any, _settings: ServiceSettings) -> Any:
    """The whole product comes with every change of price."""

    async def change_price(_uow: UnitOfWork, _envelope: Envelope[Any]) -> None:
        return

    return change_price


TWINS: Twins = {"search.keep_product": twin, "search.change_price": ignoring}
