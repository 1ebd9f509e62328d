"""Planted: everybody is let in and served in the order of coming, also those who have left."""

import asyncio
from typing import Any, Final

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.edge import Edge

CARD = DefectCard(
    id="unbounded-queue",
    title="A queue without an end in front of the gateway's workers",
    parts=("gateway.edge",),
    root_cause="Nobody is ever refused; the queue grows in the surge and is worked off for people who left long ago.",
    caught_by=("INV-20",),
    exposed_by="More visitors than can be served, for some seconds.",
    symptoms="The campaign is off, the machines are busy, and every visitor times out: all work is for the departed.",
    fix="Short queues, refusals at once, the newest first when it must queue; work for the departed is dropped.",
    origin="Bronson et al., Metastable Failures in Distributed Systems (HotOS 2021); Facebook's adaptive LIFO.",
)

WORKERS: Final = 12


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A door that nobody is turned away from."""
    edge: type[Edge] = healthy

    class Patient(edge):
        """So many at once; the others wait however long it takes."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith(("/health/", "/metrics", "/internal/")):
                await super().__call__(scope, receive, send)
                return

            async def deaf() -> Any:
                message = await receive()
                if message["type"] == "http.disconnect":
                    await asyncio.Event().wait()
                return message

            workers: asyncio.Semaphore = self.__dict__.setdefault("workers", asyncio.Semaphore(WORKERS))
            async with workers:
                await super().__call__(scope, deaf, send)

    return Patient


TWINS: Twins = {"gateway.edge": twin}
