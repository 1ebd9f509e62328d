"""The mail server, behind a Protocol."""

import asyncio
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlsplit

import aiosmtplib

from shared.errors import WorldError

SMTP_TIMEOUT_S = 10.0


class MailServerError(WorldError):
    """The server did not take the message now; `permanent` when it never will."""

    code = "mail_server_unavailable"

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class MailServer(Protocol):
    """Takes one message at a time. Raises `MailServerError`."""

    async def send(self, message: EmailMessage) -> None: ...
    async def close(self) -> None: ...


class SmtpServer:
    """One connection to the SMTP server, opened on demand and again after a failure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 25
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, message: EmailMessage) -> None:
        """Hand one message over; when this returns the server has it."""
        try:
            async with asyncio.timeout(SMTP_TIMEOUT_S):
                client = await self._connected()
                await client.send_message(message)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPSenderRefused) as error:
            raise MailServerError(str(error), permanent=True) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            await self.close()
            raise MailServerError(repr(error), permanent=False) from error

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None or not self._client.is_connected:
            client = aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=SMTP_TIMEOUT_S, start_tls=False)
            await client.connect()
            self._client = client
        return self._client

    async def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
