"""SMS and push gateways: what they take is journalled first, nothing is delivered; a known reference is taken once."""

from collections import Counter, deque
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from scenarios.world.draws import draw
from scenarios.world.http_api import ApiError, Routes, answer, decoded, integer, silence, trace_id
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import SMS_JOURNAL, MessageRecord, iterate

LIMIT_MAX = 1_000
INDEX_MAX = 5_000
TAKEN = frozenset({"sms", "push"})

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The programme of the gateways, hitting the first attempt at a message.

    `error_rate`: a 500 before any effect. `withhold_rate`: taken, and no answer for `withheld_s`. Recipients in
    `unknown` are refused for good.
    """

    error_rate: Rate = 0.0
    withhold_rate: Rate = 0.0
    withheld_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 8.0
    unknown: list[str] = []
    seed: int = 0


class MessageCreate(msgspec.Struct, frozen=True):
    """A short message; `reference` is the sender's own id for it, by which a repeat is known."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    text: Annotated[str, msgspec.Meta(max_length=2_000)]
    reference: str = ""
    title: str = ""


class MessageSink:
    """Keeps every SMS and push message."""

    def __init__(self, folder: Path) -> None:
        """Rebuilds its state from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[MessageRecord] = JournalWriter(folder / SMS_JOURNAL)
        self.index: deque[MessageRecord] = deque(maxlen=INDEX_MAX)
        self.behaviour = Behaviour()
        self._taken: dict[str, MessageRecord] = {}
        self._attempts: Counter[str] = Counter()
        for record in iterate(self.journal.path, MessageRecord):
            self._apply(record)

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.post("/sms", self.accept_sms),
            web.get("/sms", self.list_sms),
            web.post("/push", self.accept_push),
            web.get("/push", self.list_push),
            web.get("/control/messages", self.show_behaviour),
            web.put("/control/messages", self.change_behaviour),
        ]

    async def accept_sms(self, request: web.Request) -> web.StreamResponse:
        """202 with the id of the message."""
        return await self._accept(request, "sms")

    async def accept_push(self, request: web.Request) -> web.StreamResponse:
        """202 with the id of the message."""
        return await self._accept(request, "push")

    async def list_sms(self, request: web.Request) -> web.Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "sms")

    async def list_push(self, request: web.Request) -> web.Response:
        """The newest first; `to` filters, `limit` bounds."""
        return self._list(request, "push")

    async def show_behaviour(self, _: web.Request) -> web.Response:
        return answer(self.behaviour)

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Replace the whole programme; what is not named is healthy."""
        self.behave(await decoded(request, Behaviour))
        return answer(self.behaviour)

    def behave(self, behaviour: Behaviour) -> None:
        """Change the programme; it outlives a kill."""
        self._note(MessageRecord(kind="behaviour", behaviour=msgspec.Raw(msgspec.json.encode(behaviour))))

    def close(self) -> None:
        """An orderly stop ends the programme. Releases the journal."""
        if self.behaviour != Behaviour():
            self.behave(Behaviour())
        self.journal.close()

    async def _accept(self, request: web.Request, kind: str) -> web.StreamResponse:
        body = await decoded(request, MessageCreate)
        record = MessageRecord(
            kind=kind,
            recipient=body.to,
            title=body.title,
            text=body.text,
            reference=body.reference,
            trace_id=trace_id(request),
        )
        if (known := self._taken.get(body.reference)) is not None:
            return self._replayed(record, known)
        if body.to in self.behaviour.unknown:
            self._note(msgspec.structs.replace(record, kind="refused"))
            raise ApiError(404, "unknown_recipient", f"nobody answers at {body.to}")
        chance = self._chance(body.reference)
        if chance < self.behaviour.error_rate:
            self._note(msgspec.structs.replace(record, kind="error"))
            raise ApiError(500, "internal_error", "try again")
        record.message_id = f"{kind}_{self.journal.last_n + 1}"
        self._note(record)
        if chance - self.behaviour.error_rate < self.behaviour.withhold_rate:
            self._note(msgspec.structs.replace(record, kind="withheld"))
            return await silence(request, self.behaviour.withheld_s)
        return answer({"id": record.message_id}, status=202)

    def _replayed(self, record: MessageRecord, known: MessageRecord) -> web.Response:
        if (known.kind, known.recipient, known.text) != (record.kind, record.recipient, record.text):
            raise ApiError(422, "reference_reused", "this reference came with another message")
        self._note(msgspec.structs.replace(record, kind="replayed", message_id=known.message_id))
        return answer({"id": known.message_id}, status=202)

    def _chance(self, reference: str) -> float:
        """Below a rate: that happens. A message is unlucky once."""
        return draw(self.behaviour.seed, "fault", reference) if self._attempts[reference] == 0 else 1.0

    def _note(self, record: MessageRecord) -> None:
        self._apply(self.journal.append(record))

    def _apply(self, record: MessageRecord) -> None:
        if record.kind in TAKEN:
            self.index.append(record)
            if record.reference:
                self._taken[record.reference] = record
        elif record.kind == "error":
            self._attempts[record.reference] += 1
        elif record.kind == "behaviour":
            self.behaviour = msgspec.json.decode(record.behaviour, type=Behaviour)

    def _list(self, request: web.Request, kind: str) -> web.Response:
        limit = integer(request, "limit", default=50, at_most=LIMIT_MAX)
        to = request.query.get("to")
        found = [
            record for record in reversed(self.index) if record.kind == kind and (to is None or record.recipient == to)
        ]
        return answer({"items": found[:limit]})
