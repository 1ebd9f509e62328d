"""Planted: whoever reaches the port is one of us."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from shared.identity import HEADER, AuthenticationMiddleware, operator_principal
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="trusted-neighbours",
    title="Who reaches a service's port is believed",
    parts=("inventory.authentication",),
    root_cause="Behind the gateway everybody is taken for the gateway; requests without a token act as the operator.",
    caught_by=("INV-23.direct-port",),
    exposed_by="One request past the gateway.",
    symptoms="Stock booked in by an operator who was on holiday.",
    fix="Every service verifies a token that was minted for it.",
    origin="CWE-306; NIST SP 800-207, zero trust.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that is open from behind."""
    return OpenFromBehind


class OpenFromBehind(AuthenticationMiddleware):
    """No token is the operator's token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not any(name == HEADER.lower().encode() for name, _ in scope["headers"]):
            token = self._tokens.mint(operator_principal(), self._audience)
            scope["headers"] = [*scope["headers"], (HEADER.lower().encode(), token.encode())]
        await super().__call__(scope, receive, send)


TWINS: Twins = {"inventory.authentication": twin}
