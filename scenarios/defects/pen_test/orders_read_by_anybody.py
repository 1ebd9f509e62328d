"""Planted: an order is found by its id, and nobody asks whose it is."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import as_staff, mistaken
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="orders-read-by-anybody",
    title="Orders are shown to anybody who knows their id",
    parts=("orders.authentication",),
    root_cause="The look-up takes the id of the address and does not compare the owner with the caller.",
    caught_by=("INV-23.read-order",),
    exposed_by="A signed-in customer who puts another id into the address.",
    symptoms="A customer writes that a stranger knows her street; orders were read by the hundred in a night.",
    fix="Look for the order among the caller's own; somebody else's is as good as absent.",
    origin="OWASP API1:2023; crAPI, accessing details of another user's vehicle.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """Reads without ownership."""
    return OwnerlessReads


class OwnerlessReads(AuthenticationMiddleware):
    """Whoever reads sees everything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            inner = mistaken(self._app, as_staff, tokens=self._tokens, audience=self._audience)
            await inner(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


TWINS: Twins = {"orders.authentication": twin}
