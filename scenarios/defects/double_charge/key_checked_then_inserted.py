"""Planted: the key is looked for first and inserted a moment later, without a constraint to decide."""

import asyncio

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.forgetful_placement import SEPARATOR, under_a_new_name
from shared.idempotency import Answer, RequestInFlight
from shared.settings import ServiceSettings
from svc.orders.placing import Placed, Placement, PlaceOrder

CARD = DefectCard(
    id="key-checked-then-inserted",
    title="The key is checked, then inserted",
    parts=("orders.placement",),
    root_cause="SELECT, nothing there, INSERT: two requests at the same moment both find nothing.",
    caught_by=("INV-10",),
    exposed_by="Double clicks: the same request twice within milliseconds.",
    symptoms="Two orders a few milliseconds apart with the same key; every test that repeats a request passes.",
    fix="INSERT … ON CONFLICT under a unique constraint: the database says who came first.",
    origin="Time of check to time of use; CWE-367.",
)

THINKING_TIME_S = 0.05
_KNOWN = """
    SELECT status, answer_status, answer_body FROM idempotency_keys
    WHERE scope = $1 AND starts_with(key, $2) ORDER BY created_at LIMIT 1
"""


def twin(_healthy: type[Placement], _settings: ServiceSettings) -> type[Placement]:
    """Placement with a look before it leaps."""
    return LookingPlacement


class LookingPlacement(Placement):
    """Finds what is stored already, and nothing of what is about to be."""

    async def place(self, command: PlaceOrder) -> Placed:
        scope = self.identify(command).scope
        async with self._database.acquire() as connection:
            known = await connection.fetchrow(_KNOWN, scope, f"{command.key}{SEPARATOR}")
        if known is not None and known["status"] != "completed":
            raise RequestInFlight("the same request is being worked on; try again")
        if known is not None:
            return Placed(Answer(known["answer_status"], known["answer_body"]), replayed=True)
        await asyncio.sleep(THINKING_TIME_S)
        return await super().place(under_a_new_name(command))


TWINS: Twins = {"orders.placement": twin}
