"""The catcher's window: the list of mails, one mail, and the page that shows them."""

import email
import email.policy
from collections.abc import Mapping
from email.message import EmailMessage

import msgspec
from aiohttp import web

from scenarios.world.http_api import ApiError, Routes, answer, changed, decoded, integer
from scenarios.world.journals import SmtpRecord
from scenarios.world.mail.catcher import Behaviour, MailCatcher
from scenarios.world.mail.page import PAGE

LIMIT_MAX = 1_000


class Shown(msgspec.Struct, kw_only=True):
    """One mail with its readable parts."""

    n: int
    sender: str = msgspec.field(name="from")
    recipients: list[str] = msgspec.field(name="to")
    subject: str
    headers: list[tuple[str, str]]
    text: str
    html: str


class MailApi:
    """The catcher's routes and, under /control, the operator's."""

    def __init__(self, catcher: MailCatcher) -> None:
        self.catcher = catcher

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.get("/", self.page),
            web.get("/mail", self.list),
            web.get("/mail/{n}", self.show),
            web.get("/mail/{n}/raw", self.raw),
            web.get("/control/behaviour", self.show_behaviour),
            web.put("/control/behaviour", self.replace_behaviour),
            web.patch("/control/behaviour", self.change_behaviour),
            web.post("/control/reset", self.reset),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """The page for people."""
        response = web.Response(body=PAGE, content_type="text/html", charset="utf-8")
        # Mails are written by strangers: no script of theirs, no request to anywhere.
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            "connect-src 'self'; img-src data:; frame-src 'self'"
        )
        return response

    async def list(self, request: web.Request) -> web.Response:
        """The newest mails first; `to`, `order_id`, `template` filter, `limit` bounds."""
        limit = integer(request, "limit", default=50, at_most=LIMIT_MAX)
        items: list[SmtpRecord] = []
        for record in reversed(self.catcher.index):
            if len(items) >= limit:
                break
            if _wanted(record, request.query):
                items.append(record)
        return answer({"items": items, "total": self.catcher.accepted_total})

    async def show(self, request: web.Request) -> web.Response:
        """One mail, decoded."""
        n = _number(request)
        message = email.message_from_bytes(self._body(n), policy=email.policy.default)
        shown = Shown(
            n=n,
            sender=str(message.get("From", "")),
            recipients=[str(message.get("To", ""))],
            subject=str(message.get("Subject", "")),
            headers=[(name, str(value)) for name, value in message.items()],
            text=_part(message, "plain"),
            html=_part(message, "html"),
        )
        return answer(shown)

    async def raw(self, request: web.Request) -> web.Response:
        """One mail, byte for byte."""
        return web.Response(body=self._body(_number(request)), content_type="text/plain", charset="utf-8")

    async def show_behaviour(self, _: web.Request) -> web.Response:
        return answer(self.catcher.behaviour)

    async def replace_behaviour(self, request: web.Request) -> web.Response:
        """Replace the whole programme; what is not named is healthy."""
        self.catcher.behave(await decoded(request, Behaviour))
        return answer(self.catcher.behaviour)

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Change a part of the programme; what is not named stays."""
        part = await decoded(request, dict[str, object])
        self.catcher.behave(changed(self.catcher.behaviour, part))
        return answer(self.catcher.behaviour)

    async def reset(self, _: web.Request) -> web.Response:
        """Behave well again. The mails stay."""
        self.catcher.behave(Behaviour())
        return answer(self.catcher.behaviour)

    def _body(self, n: int) -> bytes:
        body = self.catcher.body(n)
        if body is None:
            raise ApiError(404, "unknown_mail", f"no mail {n}")
        return body


def _number(request: web.Request) -> int:
    text = request.match_info["n"]
    if not text.isdigit():
        raise ApiError(404, "unknown_mail", f"no mail {text}")
    return int(text)


def _wanted(record: SmtpRecord, query: Mapping[str, str]) -> bool:
    if "to" in query and query["to"] not in record.recipients:
        return False
    if "order_id" in query and query["order_id"] != record.order_id:
        return False
    return "template" not in query or query["template"] == record.template


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
