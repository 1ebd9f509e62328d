"""SMS and push gateways: everything is accepted and journalled, nothing is delivered."""

from collections import deque
from pathlib import Path
from typing import Annotated

import msgspec

from scenarios.world.http_messages import Request, Response
from scenarios.world.http_server import Routes
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

    def register(self, routes: Routes) -> None:
        """Add the routes to a table that other sinks share."""
        routes.add("POST", "/sms", self.accept_sms)
        routes.add("GET", "/sms", self.list_sms)
        routes.add("POST", "/push", self.accept_push)
        routes.add("GET", "/push", self.list_push)

    async def accept_sms(self, request: Request) -> Response:
        """202 with the id of the message."""
        return self._accept(request, "sms")

    async def accept_push(self, request: Request) -> Response:
        """202 with the id of the message."""
        return self._accept(request, "push")

    async def list_sms(self, request: Request) -> Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "sms")

    async def list_push(self, request: Request) -> Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "push")

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()

    def _accept(self, request: Request, kind: str) -> Response:
        body = request.json(MessageCreate)
        record = MessageRecord(
            kind=kind,
            message_id=f"{kind}_{self.journal.last_n + 1}",
            recipient=body.to,
            title=body.title,
            text=body.text,
            reference=body.reference,
            trace_id=request.trace_id,
        )
        self.index.append(self.journal.append(record))
        return Response.json({"id": record.message_id}, status=202)

    def _list(self, request: Request, kind: str) -> Response:
        limit = request.integer("limit", default=50, at_most=LIMIT_MAX)
        to = request.query.get("to")
        found = [
            record for record in reversed(self.index) if record.kind == kind and (to is None or record.recipient == to)
        ]
        return Response.json({"items": found[:limit]})
