"""Planted: any host is served."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.edge import Edge

CARD = DefectCard(
    id="any-host",
    title="Any host is the shop's",
    parts=("gateway.edge",),
    root_cause="The host is for the proxy in front to check, which is not there.",
    caught_by=("INV-23.host-header",),
    exposed_by="A request under another name.",
    symptoms="Links in letters that lead to somebody else's shop; cached pages of a stranger's.",
    fix="Compare the host whole with a list.",
    origin="Litestar advisory on allowed_hosts as a pattern, fixed in 2.20; CWE-644.",
)


def twin(_healthy: type[Edge], _settings: ServiceSettings) -> type[Edge]:
    """A door without a sign."""
    return NamelessEdge


class NamelessEdge(Edge):
    """Answers to every name."""

    def _check_host(self, host: bytes | None) -> None:
        del host


TWINS: Twins = {"gateway.edge": twin}
