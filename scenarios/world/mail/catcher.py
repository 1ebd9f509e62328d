"""An SMTP server that delivers nowhere: body to a file, then a journal line, then 250.

A mail that was answered 250 is in the journal; one that was not may be sent again by the shop.
"""

import asyncio
import hashlib
import logging
from collections import deque
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Annotated

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from scenarios.world.draws import draw
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import MAIL_FOLDER, SMTP_JOURNAL, SmtpRecord, iterate

MAIL_BYTES_MAX = 10_485_760
INDEX_MAX = 5_000
SESSION_S_MAX = 120.0

logging.getLogger("mail.log").setLevel(logging.WARNING)


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The programme of the catcher: `tarpit_s` before each answer to DATA, `defer_rate` answered 451.

    Recipients in `unknown` are refused with 550: there is no such mailbox.
    """

    tarpit_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    defer_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    unknown: list[str] = []
    seed: int = 0


class MailCatcher:
    """Keeps every mail; the last `INDEX_MAX` are listed from memory, all of them lie on disk."""

    def __init__(self, folder: Path) -> None:
        """Rebuilds its index from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[SmtpRecord] = JournalWriter(folder / SMTP_JOURNAL)
        self.index: deque[SmtpRecord] = deque(maxlen=INDEX_MAX)
        self.accepted_total = 0
        self.behaviour = Behaviour()
        self.port = 0
        self._bodies = folder / MAIL_FOLDER
        self._bodies.mkdir(parents=True, exist_ok=True)
        self._server: asyncio.Server | None = None
        for record in iterate(self.journal.path, SmtpRecord):
            if record.kind == "accepted":
                self._list(record)
            elif record.kind == "behaviour":
                self.behaviour = msgspec.json.decode(record.behaviour, type=Behaviour)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()

        def session() -> SMTP:
            return SMTP(
                self,
                data_size_limit=MAIL_BYTES_MAX,
                enable_SMTPUTF8=True,
                hostname="mail.world",
                ident="catcher",
                timeout=SESSION_S_MAX,
                loop=loop,
            )

        self._server = await loop.create_server(session, host, port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; an orderly stop ends the programme. Safe to repeat."""
        if self.behaviour != Behaviour():
            self.behave(Behaviour())
        if self._server is not None:
            self._server.close()
            self._server = None
        self.journal.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and arguments
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Called by aiosmtpd with each recipient."""
        del server, session
        if address in self.behaviour.unknown:
            self.journal.append(SmtpRecord(kind="refused", sender=envelope.mail_from or "", recipients=[address]))
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Called by aiosmtpd with a whole mail; the answer is what the client reads."""
        del server, session
        if self.behaviour.tarpit_s:
            await asyncio.sleep(self.behaviour.tarpit_s)
        content = envelope.content
        body = content.encode() if isinstance(content, str) else content or b""
        record = describe(body, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos)
        if draw(self.behaviour.seed, "defer", self.journal.last_n) < self.behaviour.defer_rate:
            record.kind = "deferred"
            self.journal.append(record)
            return "451 try again later"
        self.keep(record, body)
        return f"250 kept as {record.n}"

    def keep(self, record: SmtpRecord, body: bytes) -> None:
        """Body first, then the line that says it is there."""
        self._path(self.journal.last_n + 1).write_bytes(body)
        self._list(self.journal.append(record))

    def body(self, n: int) -> bytes | None:
        """The raw mail with journal number n, None where there is none."""
        path = self._path(n)
        return path.read_bytes() if path.exists() else None

    def behave(self, behaviour: Behaviour) -> None:
        """Change the programme; it outlives a kill."""
        encoded = msgspec.Raw(msgspec.json.encode(behaviour))
        self.journal.append(SmtpRecord(kind="behaviour", behaviour=encoded))
        self.behaviour = behaviour

    def _list(self, record: SmtpRecord) -> None:
        self.index.append(record)
        self.accepted_total += 1

    def _path(self, n: int) -> Path:
        return self._bodies / f"{n}.eml"


def describe(body: bytes, *, sender: str, recipients: list[str]) -> SmtpRecord:
    """The journal line of a mail."""
    headers = BytesHeaderParser().parsebytes(body)
    trace = _text(headers, "traceparent").split("-")
    return SmtpRecord(
        kind="accepted",
        message_id=_text(headers, "Message-ID").strip("<> "),
        sender=sender,
        recipients=list(recipients),
        subject=_text(headers, "Subject"),
        template=_text(headers, "X-Shopstream-Template"),
        event_id=_text(headers, "X-Shopstream-Event"),
        order_id=_text(headers, "X-Shopstream-Order"),
        amount=_text(headers, "X-Shopstream-Amount"),
        trace_id=trace[1] if len(trace) == 4 else _text(headers, "X-Shopstream-Trace"),
        body_sha256=hashlib.sha256(_read(headers)).hexdigest(),
        size=len(body),
    )


def _read(message: Message) -> bytes:
    """What people read of a mail: all behind its headers, without the boundary that each mail draws for itself."""
    text = str(message.get_payload()).encode(errors="surrogateescape")
    return text.replace((message.get_boundary() or "\n").encode(), b"\n")


def _text(headers: Message, name: str) -> str:
    value = headers.get(name)
    if value is None:
        return ""
    return str(make_header(decode_header(str(value)))).replace("\r\n", "").strip()
