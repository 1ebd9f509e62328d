"""Planted: a call in the event loop that everything else waits for."""

import time
from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog.domain import Product
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="blocking-call",
    title="A synchronous call in the event loop stops every other request",
    parts=("catalog.shelf",),
    root_cause="A helper that waits, for a file, a name or a lock, is called from a coroutine as if that cost nothing.",
    caught_by=("INV-19",),
    exposed_by="Any load; the more requests at once, the longer each waits for the others.",
    symptoms="One core is idle and every answer is late; health probes of a process that is well time out.",
    fix="What waits is awaited or runs in a thread; the lag of the loop is measured, and its p99 is below 50 ms.",
    origin="Node.js, Don't Block the Event Loop; the same of asyncio.",
)

BLOCKS_S: Final = 0.07
ONE_IN: Final = 8
"""Of so many product pages."""


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A shelf that waits where it must not."""
    shelf: type[Shelf] = healthy

    class Blocking(shelf):
        """Every so often, and then all the others wait too."""

        shown = 0

        async def product(self, reference: str) -> Product:
            self.shown += 1
            if self.shown % ONE_IN == 0:
                time.sleep(BLOCKS_S)  # noqa: ASYNC251 this is the defect
            return await super().product(reference)

    return Blocking


TWINS: Twins = {"catalog.shelf": twin}
