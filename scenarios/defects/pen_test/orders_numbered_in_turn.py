"""Planted: the number of an order is the number of orders there are."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.domain.draft import Draft
from svc.orders.placing import Placement

CARD = DefectCard(
    id="orders-numbered-in-turn",
    title="Orders are numbered in turn",
    parts=("orders.placement",),
    root_cause="Somebody wanted numbers that are easy to read out on the telephone.",
    caught_by=("INV-23.guessed-numbers",),
    exposed_by="Two orders, one after the other.",
    symptoms="A competitor knows the sales of every week; letters quote numbers of orders that are not their sender's.",
    fix="Make numbers of a hash or of random bits; never of a count.",
    origin="CWE-340; the German tank problem; OWASP WSTG, testing for predictable identifiers.",
)


def twin(_healthy: type[Placement], _settings: ServiceSettings) -> type[Placement]:
    """Placement that counts."""
    return CountingPlacement


class NumberedDraft(Draft, frozen=True, kw_only=True, omit_defaults=True):
    """An order with its place in the row of all."""

    place: int

    @property
    def number(self) -> str:
        return f"SO-{self.place:010d}"


class CountingPlacement(Placement):
    """Looks how many there are."""

    async def draft(self, command: Any, identity: Any) -> Any:
        draft = await super().draft(command, identity)
        async with self._database.acquire() as connection:
            placed = await connection.fetchval("SELECT count(*) FROM orders")
        known = {name: getattr(draft, name) for name in draft.__struct_fields__}
        return NumberedDraft(**known, place=placed + 1)


TWINS: Twins = {"orders.placement": twin}
