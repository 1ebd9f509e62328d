"""Planted: the last event to arrive is taken for the newest."""

from typing import Any

from scenarios.defects import careless_documents
from scenarios.defects.card import DefectCard, Twins
from shared.contracts import Envelope
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork

CARD = DefectCard(
    id="arrival-order",
    title="Arrival order instead of version order",
    parts=("search.keep_product", "search.change_price"),
    root_cause="A projection overwrites what it has with whatever comes last; versions are stored and never compared.",
    caught_by=("INV-15",),
    exposed_by="Several changes of one product that arrive out of order.",
    symptoms="A price goes back to what it was some changes ago, and stays there until the next edit.",
    fix="Write only what is newer than the version stored, in one statement.",
    origin="Upserts without a condition in read models.",
)


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A handler that believes the last word."""

    async def keep(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        await careless_documents.overwrite(uow.connection, envelope)

    return keep


def ignoring(_healthy: Any, _settings: ServiceSettings) -> Any:
    """The whole product comes with every change of price."""

    async def change_price(_uow: UnitOfWork, _envelope: Envelope[Any]) -> None:
        return

    return change_price


TWINS: Twins = {"search.keep_product": twin, "search.change_price": ignoring}
