"""Planted: the routes that settle payments ask whose they are, and not who may."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import as_staff, mistaken
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="payments-settled-by-anybody",
    title="Customers capture, void and refund their payments",
    parts=("payments.authentication",),
    root_cause="The page of the staff alone has the buttons; the routes behind it are open to whoever is signed in.",
    caught_by=("INV-23.workflow-skips",),
    exposed_by="A customer who calls the route of a step that is the shop's.",
    symptoms="Refunds that nobody of the staff made, minutes after delivery.",
    fix="Every step of the workflow names the role that takes it.",
    origin="CWE-841; OWASP API5:2023; Juice Shop, payback time.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """Settling without a role."""
    return RolelessWrites


class RolelessWrites(AuthenticationMiddleware):
    """Whoever writes is of the staff."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            inner = mistaken(self._app, as_staff, tokens=self._tokens, audience=self._audience)
            await inner(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


TWINS: Twins = {"payments.authentication": twin}
