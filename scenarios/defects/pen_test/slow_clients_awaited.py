"""Planted: the gateway waits for its clients as long as they like."""

from scenarios.defects.card import DefectCard, Twins
from shared.http_protocol import Awaited, HttpProtocol
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="slow-clients-awaited",
    title="Connections are held for clients who never end",
    parts=("gateway.protocol",),
    root_cause="The server's defaults bound how long a connection may be idle, and nothing else.",
    caught_by=("INV-23.slow-clients",),
    exposed_by="Clients that send a header line every half second, or read nothing.",
    symptoms="The gateway runs out of sockets at night, with hardly a request in its log.",
    fix="Bound headers, bodies and the reading of answers by a time of their own.",
    origin="CWE-400; Slowloris (2009), slow read (2012).",
)


def twin(_healthy: type[HttpProtocol], _settings: ServiceSettings) -> type[HttpProtocol]:
    """A connection without a clock."""
    return PatientProtocol


class PatientProtocol(HttpProtocol):
    """Waits."""

    def patience_s(self, awaited: Awaited) -> float | None:
        del awaited
        return None


TWINS: Twins = {"gateway.protocol": twin}
