"""Planted: what may be read by its owner alone may be changed by anybody."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import as_staff, mistaken
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="orders-changed-by-anybody",
    title="Orders are cancelled by anybody who knows their id",
    parts=("orders.authentication",),
    root_cause="Ownership is checked where an order is shown, and was forgotten where one is changed.",
    caught_by=("INV-23.cancel-order",),
    exposed_by="A signed-in customer who cancels under another id.",
    symptoms="Customers ask why their orders were cancelled; support finds no reason but the word customer.",
    fix="One question of ownership for every route of a resource, whatever its method.",
    origin="OWASP API1:2023; VAmPI, broken object level authorization.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """Writes without ownership."""
    return OwnerlessWrites


class OwnerlessWrites(AuthenticationMiddleware):
    """Whoever writes may write everything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            inner = mistaken(self._app, as_staff, tokens=self._tokens, audience=self._audience)
            await inner(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


TWINS: Twins = {"orders.authentication": twin}
