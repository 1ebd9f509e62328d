"""Planted: whoever asks may read."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.cors import Cors
from svc.gateway.edge import Edge

CARD = DefectCard(
    id="origins-reflected",
    title="Every origin may read answers",
    parts=("gateway.edge",),
    root_cause="The origin of the request is sent back as the allowed one, because a list was inconvenient.",
    caught_by=("INV-23.cors",),
    exposed_by="A page of somebody else's that calls the shop.",
    symptoms="Customers' data in the hands of a page they only looked at.",
    fix="List the origins, whole.",
    origin="CWE-942; PortSwigger, exploiting CORS misconfigurations.",
)


def twin(_healthy: type[Edge], _settings: ServiceSettings) -> type[Edge]:
    """A door that repeats what it hears."""

    class Echoing(Edge):
        """Allows each request its own origin."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self._cors = ReflectingCors(())
            await super().__call__(scope, receive, send)

    return Echoing


class ReflectingCors(Cors):
    """A list of everybody."""

    def preflight(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        return self.headers(origin)

    def headers(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        return [] if origin is None else [(b"access-control-allow-origin", origin), (b"vary", b"origin")]


TWINS: Twins = {"gateway.edge": twin}
