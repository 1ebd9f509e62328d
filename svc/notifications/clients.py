"""The mail server, behind a Protocol."""

import asyncio
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlsplit

import aiosmtplib
import msgspec

from shared.errors import WorldError
from shared.validated import Email

SMTP_TIMEOUT_S = 10.0
PERMANENT_FROM = 500
"""SMTP replies from here on are final; lower ones ask for patience."""


class MailServerError(WorldError):
    """The message was not taken; `permanent` when it never will be."""

    code = "mail_server_unavailable"

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class MailServer(Protocol):
    """Takes one message at a time. Raises `MailServerError`."""

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
            raise MailServerError("SMTP cannot carry this address", permanent=True) from error
        async with self._places:
            client = self._idle.pop() if self._idle else self._new_client()
            try:
                async with asyncio.timeout(SMTP_TIMEOUT_S):
                    if not client.is_connected:
                        await client.connect()
                    await client.send_message(message, sender=sender, recipients=[recipient])
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                client.close()
                raise MailServerError(repr(error), permanent=_is_permanent(error)) from error
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
