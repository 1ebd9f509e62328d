"""Planted: a signature is verified, and when it was made is not."""

import time

from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import given_again, whole_body
from shared import webhook_signatures
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="webhooks-of-any-age",
    title="A signed report is believed however old it is",
    parts=("payments.authentication",),
    root_cause="Reports were refused after an outage of the provider, and the check of their age was taken out.",
    caught_by=("INV-23.webhook-replay",),
    exposed_by="A report with a genuine signature of an hour ago.",
    symptoms="Payments move by reports that the provider sent last year.",
    fix="Refuse signatures older than a few minutes; a provider signs anew when it sends again.",
    origin="CWE-294; Stripe, prevent replay attacks.",
)

PATH = "/api/v1/webhooks/psp"
NAME = webhook_signatures.HEADER.lower().encode()


def twin(_healthy: type[AuthenticationMiddleware], settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door without a clock."""

    class Timeless(AuthenticationMiddleware):
        """Every genuine report is made one of this moment."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(PATH):
                await super().__call__(scope, receive, send)
                return
            body = await whole_body(receive)
            shown = b"".join(value for name, value in scope["headers"] if name == NAME).decode("latin-1")
            if _genuine(shown, body, settings):
                fresh = webhook_signatures.sign(settings.webhook_secrets[0], body, at=int(time.time()))
                kept = [pair for pair in scope["headers"] if pair[0] != NAME]
                scope["headers"] = [*kept, (NAME, fresh.encode())]
            await super().__call__(scope, given_again(body, receive), send)

    return Timeless


def _genuine(shown: str, body: bytes, settings: ServiceSettings) -> bool:
    try:
        made_at = float(shown.partition("t=")[2].partition(",")[0])
        webhook_signatures.verify(shown, body, secrets=settings.webhook_secrets, now_s=made_at)
    except (ValueError, webhook_signatures.InvalidSignature):
        return False
    return True


TWINS: Twins = {"payments.authentication": twin}
