"""The mail server, behind a Protocol."""

import asyncio
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol
from urllib.parse import urlsplit

import aiosmtplib
import msgspec

from shared.validated import Email
from svc.notifications.clients.refusing import NotTakenError

SMTP_TIMEOUT_S = 10.0
PERMANENT_FROM = 500
"""SMTP replies from here on are final; lower ones ask for patience."""
NOBODY_THERE = frozenset({550, 551, 553})
"""Replies to RCPT that say that there is no such mailbox; other refusals are about the message or the sender."""
POLICY = SMTP.clone(max_line_length=998, cte_type="7bit")
"""How mails are written and sent: with RFC 5322's longest lines, for a link that is folded is encoded, and lost."""


class MailServer(Protocol):
    """Takes one message at a time. Raises `NotTakenError`."""

    async def send(self, message: EmailMessage, *, sender: str, recipient: str) -> None: ...


class SmtpServer:
    """A few connections to the SMTP server, opened on demand and again after a failure."""

    def __init__(self, url: str, *, connections_max: int) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 25
        self._places = asyncio.Semaphore(connections_max)
        self._idle: list[aiosmtplib.SMTP] = []

    async def open(self) -> None:
        """Connections are made when there is something to send."""

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().close()

    async def send(self, message: EmailMessage, *, sender: str, recipient: str) -> None:
        """Hand one message over for exactly this recipient; when this returns the server has it.

        The envelope is never read back from the headers: a decoded header may name somebody else.
        """
        try:
            msgspec.convert(recipient, Email)
        except msgspec.ValidationError as error:
            raise NotTakenError("SMTP cannot carry this address", permanent=True) from error
        async with self._places:
            client = self._idle.pop() if self._idle else self._new_client()
            try:
                async with asyncio.timeout(SMTP_TIMEOUT_S):
                    if not client.is_connected:
                        await client.connect()
                    await client.sendmail(sender, [recipient], message.as_bytes(policy=POLICY))
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                client.close()
                raise NotTakenError(repr(error), permanent=_is_permanent(error), bounced=_is_bounce(error)) from error
            except BaseException:
                client.close()
                raise
            self._idle.append(client)

    def _new_client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=SMTP_TIMEOUT_S, start_tls=False)


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= PERMANENT_FROM for refused in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= PERMANENT_FROM


def _is_bounce(error: Exception) -> bool:
    return isinstance(error, aiosmtplib.SMTPRecipientsRefused) and all(
        refused.code in NOBODY_THERE for refused in error.recipients
    )
