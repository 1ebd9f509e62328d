"""Planted: the warehouse's routes ask for a token, and not for a role."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import mistaken, with_roles
from shared.identity import AuthenticationMiddleware, Principal
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="stock-for-everybody",
    title="Customers book stock in",
    parts=("inventory.authentication",),
    root_cause="The routes are hidden from the shop's pages, and nobody guarded them.",
    caught_by=("INV-23.staff-functions",),
    exposed_by="A customer who calls a route of the warehouse.",
    symptoms="Stock that no delivery explains; goods are sold that the warehouse does not have.",
    fix="Every route names the roles that may call it; a test holds the table.",
    origin="OWASP API5:2023; crAPI, deleting a video of another user through an admin route.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door without a guard."""
    return Unguarded


def _staff(principal: Principal) -> Principal:
    return with_roles(principal, "admin") if principal.kind == "customer" else principal


class Unguarded(AuthenticationMiddleware):
    """Who is signed in is staff."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await mistaken(self._app, _staff, tokens=self._tokens, audience=self._audience)(scope, receive, send)


TWINS: Twins = {"inventory.authentication": twin}
