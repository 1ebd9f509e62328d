"""SMS and push gateways: everything is accepted and journalled, nothing is delivered."""

from collections import deque
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from scenarios.world.http_api import Routes, answer, decoded, integer, trace_id
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import SMS_JOURNAL, MessageRecord, iterate

LIMIT_MAX = 1_000
INDEX_MAX = 5_000


class MessageCreate(msgspec.Struct, frozen=True):
    """A short message; `reference` is the sender's own id for it."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    text: Annotated[str, msgspec.Meta(max_length=2_000)]
    reference: str = ""
    title: str = ""


class MessageSink:
    """Keeps every SMS and push message."""

    def __init__(self, folder: Path) -> None:
        """Rebuilds its index from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[MessageRecord] = JournalWriter(folder / SMS_JOURNAL)
        self.index: deque[MessageRecord] = deque(iterate(self.journal.path, MessageRecord), INDEX_MAX)

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.post("/sms", self.accept_sms),
            web.get("/sms", self.list_sms),
            web.post("/push", self.accept_push),
            web.get("/push", self.list_push),
        ]

    async def accept_sms(self, request: web.Request) -> web.Response:
        """202 with the id of the message."""
        return await self._accept(request, "sms")

    async def accept_push(self, request: web.Request) -> web.Response:
        """202 with the id of the message."""
        return await self._accept(request, "push")

    async def list_sms(self, request: web.Request) -> web.Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "sms")

    async def list_push(self, request: web.Request) -> web.Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "push")

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()

    async def _accept(self, request: web.Request, kind: str) -> web.Response:
        body = await decoded(request, MessageCreate)
        record = MessageRecord(
            kind=kind,
            message_id=f"{kind}_{self.journal.last_n + 1}",
            recipient=body.to,
            title=body.title,
            text=body.text,
            reference=body.reference,
            trace_id=trace_id(request),
        )
        self.index.append(self.journal.append(record))
        return answer({"id": record.message_id}, status=202)

    def _list(self, request: web.Request, kind: str) -> web.Response:
        limit = integer(request, "limit", default=50, at_most=LIMIT_MAX)
        to = request.query.get("to")
        found = [
            record for record in reversed(self.index) if record.kind == kind and (to is None or record.recipient == to)
        ]
        return answer({"items": found[:limit]})
