"""Planted: what the provider reports is believed whoever sends it."""

import time

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import given_again, whole_body
from shared import webhook_signatures
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="webhooks-unsigned",
    title="Webhooks are believed without a signature",
    parts=("payments.authentication",),
    root_cause="The signature check was switched off for a test of the provider and never on again.",
    caught_by=("INV-23.webhook-forgery",),
    exposed_by="A report that somebody else sends.",
    symptoms="Orders paid in the shop's books and not in the provider's.",
    fix="Verify the signature over the raw body before anything else.",
    origin="CWE-345; OWASP API10:2023.",
)


PATH = "/api/v1/webhooks/psp"


def twin(_healthy: type[AuthenticationMiddleware], settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that signs what comes unsigned."""

    class Signing(AuthenticationMiddleware):
        """Every report is made a genuine one."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(PATH):
                await super().__call__(scope, receive, send)
                return
            body = await whole_body(receive)
            signature = webhook_signatures.sign(settings.webhook_secrets[0], body, at=int(time.time()))
            name = webhook_signatures.HEADER.lower().encode()
            kept = [pair for pair in scope["headers"] if pair[0] != name]
            scope["headers"] = [*kept, (name, signature.encode())]
            await super().__call__(scope, given_again(body, receive), send)

    return Signing


TWINS: Twins = {"payments.authentication": twin}
