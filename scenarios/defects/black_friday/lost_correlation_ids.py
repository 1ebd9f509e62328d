"""Planted: the trace of a request ends at the gateway, and another begins behind it."""

from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.tracing import TRACEPARENT
from svc.gateway.headers import RawHeaders

CARD = DefectCard(
    id="lost-correlation-ids",
    title="The trace id that the customer is told is found nowhere behind the gateway",
    parts=("gateway.forwarded_headers",),
    root_cause="The gateway passes on the headers of a list, and the one that carries the trace is not on it.",
    caught_by=("INV-27",),
    exposed_by="Any order.",
    symptoms="Support has an id from the customer, and no log, event or order knows it.",
    fix="One trace id from the gateway to every log line, event and row, and a test that follows it.",
    origin="The incident's own review: no trace ids; W3C Trace Context.",
)


class _Forgetful(CIMultiDict[str]):
    """Headers on which no trace stays."""

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() != TRACEPARENT:
            super().__setitem__(name, value)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Headers without the trace."""
    forwarded: Callable[[RawHeaders, bytes | None], CIMultiDict[str]] = healthy

    def forgetful(received: RawHeaders, connection: bytes | None) -> CIMultiDict[str]:
        return _Forgetful(forwarded(received, connection))

    return forgetful


TWINS: Twins = {"gateway.forwarded_headers": twin}
