"""Planted: a payment is found by its id, and nobody asks whose it is."""

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import as_staff, mistaken
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="payments-read-by-anybody",
    title="Payments are shown to anybody",
    parts=("payments.authentication",),
    root_cause="Orders ask for the owner and payments do not: who knows a payment's id was thought to own it.",
    caught_by=("INV-23.read-payment",),
    exposed_by="A list of payments asked for with a stranger's order.",
    symptoms="A customer's page shows a payment that is not hers.",
    fix="The owner is a condition of every look-up, in every service.",
    origin="OWASP API1:2023; crAPI, mechanic reports of others.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """Reads without ownership."""
    return OwnerlessReads


class OwnerlessReads(AuthenticationMiddleware):
    """Whoever reads sees everything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = mistaken(self._app, as_staff, tokens=self._tokens, audience=self._audience)
        await inner(scope, receive, send)


TWINS: Twins = {"payments.authentication": twin}
