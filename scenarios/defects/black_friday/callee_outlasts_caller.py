"""Planted: the search engine is waited for longer than anybody waits for the answer."""

from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared import deadline
from shared.settings import ServiceSettings
from svc.search.answers import Found
from svc.search.domain import Wish
from svc.search.searching import Searcher

CARD = DefectCard(
    id="callee-outlasts-caller",
    title="The limit of the inner call is longer than that of the outer one",
    parts=("search.searcher",),
    root_cause="Each layer chose its own limit; the engine's is longer than the gateway's, so its failure is not seen.",
    caught_by=("INV-26",),
    exposed_by="An engine that takes connections and does not answer.",
    symptoms="Searches time out at the gateway; the answer without the engine, which exists, is never given.",
    fix="The deadline travels with the request, and whoever is inside gives up before whoever is outside.",
    origin="The incident's own review: a gateway limit of 5 s over a chain of 3 + 2 + 2 s.",
)

LIMIT_S: Final = 30.0


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A searcher that waits."""
    searcher: type[Searcher] = healthy

    class Patient(searcher):
        """Heeds its own limit alone."""

        async def search(self, wish: Wish, cursor: str | None, *, limit: int) -> Found:
            self._timeout_s = LIMIT_S
            outer = deadline.bind(None)
            try:
                return await super().search(wish, cursor, limit=limit)
            finally:
                deadline.unbind(outer)

    return Patient


TWINS: Twins = {"search.searcher": twin}
