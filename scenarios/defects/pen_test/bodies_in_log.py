"""Planted: what customers send is written down, to find out later what went wrong."""

import sys
from datetime import UTC, datetime

import msgspec
from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import given_again, whole_body
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="bodies-in-log",
    title="Bodies of requests stand in the log",
    parts=("auth.authentication",),
    root_cause="A line for debugging, past the one place where secrets are taken out.",
    caught_by=("INV-23.secret-in-log",),
    exposed_by="Any sign-in.",
    symptoms="Nobody sees any, until somebody reads the log who should not have the passwords.",
    fix="Log names and counts; let every line go through redaction.",
    origin="CWE-532; OWASP A09:2021.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that takes notes."""
    return NoteTaking


class NoteTaking(AuthenticationMiddleware):
    """Writes every body down as it came."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await super().__call__(scope, receive, send)
            return
        body = await whole_body(receive)
        line = {
            "time": datetime.now(UTC),
            "level": "info",
            "service": self._audience,
            "instance": f"{self._audience}-1",
            "event": "received",
            "body": body.decode("utf-8", errors="replace"),
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        await super().__call__(scope, given_again(body, receive), send)


TWINS: Twins = {"auth.authentication": twin}
