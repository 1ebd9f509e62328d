"""Planted: a refusal brings the stack along, for whoever has to debug it."""

from typing import Any, cast

import msgspec
from litestar.types import Message, Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="errors-with-stack",
    title="Refusals show the code behind them",
    parts=("catalog.authentication",),
    root_cause="A debug switch that was meant for one afternoon.",
    caught_by=("INV-23.verbose-errors",),
    exposed_by="Any request that is refused.",
    symptoms="File names and statements of the shop in a stranger's report.",
    fix="Problem details with a stable code; the reason belongs into the log.",
    origin="CWE-209; DVGA, stack trace errors.",
)


def twin(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """A door that explains."""
    return Explaining


class Explaining(AuthenticationMiddleware):
    """Adds where in the code a request was refused."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: dict[str, Any] = {}

        async def send_explained(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if message["type"] == "http.response.body" and start["status"] >= 400 and not message.get("more_body"):
                message["body"] = _explained(message["body"])
                start["headers"] = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
            await send(cast("Message", start))
            await send(message)

        await super().__call__(scope, receive, send_explained)


def _explained(body: bytes) -> bytes:
    try:
        document = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        return body
    document["debug"] = 'Traceback (most recent call last): File "/srv/svc/catalog/store/reads.py", SELECT id'
    return msgspec.json.encode(document)


TWINS: Twins = {"catalog.authentication": twin}
