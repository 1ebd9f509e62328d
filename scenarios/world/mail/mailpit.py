"""Reads the mails that a Mailpit took into the journal, through its HTTP API: the witness where it is the mail server.

Mailpit keeps what it answered 250 to; each of its ids is journalled once, also across a kill of this process.
"""

import asyncio
import logging
from typing import Any, Final

import aiohttp
import msgspec

from scenarios.world.journals import SmtpRecord, iterate
from scenarios.world.mail.catcher import MailCatcher, describe

PAUSE_S: Final = 0.25
PAGE: Final = 200
CALL_S_MAX: Final = 10.0

_log = logging.getLogger("scenarios.world")


class _Address(msgspec.Struct, frozen=True, rename="pascal"):
    address: str = ""


class _Summary(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="ID")
    sender: _Address | None = msgspec.field(name="From", default=None)
    to: list[_Address] | None = msgspec.field(name="To", default=None)
    cc: list[_Address] | None = msgspec.field(name="Cc", default=None)
    bcc: list[_Address] | None = msgspec.field(name="Bcc", default=None)


class _Page(msgspec.Struct, frozen=True):
    messages: list[_Summary] = []


class Mailpit:
    """Follows one Mailpit for as long as the world runs."""

    def __init__(self, url: str, catcher: MailCatcher) -> None:
        self._url = url
        self._catcher = catcher
        self._known = {it.mailpit_id for it in iterate(catcher.journal.path, SmtpRecord) if it.mailpit_id}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._follow(), name="mailpit")

    async def stop(self) -> None:
        """Safe to repeat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S_MAX)) as http:
            while True:
                try:
                    await self.read(http)
                except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
                    _log.warning("mailpit cannot be read: %r", error)
                await asyncio.sleep(PAUSE_S)

    async def read(self, http: aiohttp.ClientSession) -> None:
        """Journal what came since the last look, oldest first.

        Raises aiohttp.ClientError, TimeoutError, MsgspecError.
        """
        fresh: dict[str, _Summary] = {}
        while True:  # newest first; mails that come meanwhile shift the pages, so that some come twice
            page = await self._page(http, start=len(fresh))
            fresh |= {it.id: it for it in page if it.id not in self._known}
            if len(page) < PAGE or any(it.id in self._known for it in page):
                break
        for summary in reversed(fresh.values()):
            async with http.get(f"{self._url}/api/v1/message/{summary.id}/raw") as answer:
                answer.raise_for_status()
                body = await answer.read()
            record = describe(body, sender=_addresses([summary.sender])[0], recipients=_recipients(summary))
            record.mailpit_id = summary.id
            self._catcher.keep(record, body)
            self._known.add(summary.id)

    async def _page(self, http: aiohttp.ClientSession, *, start: int) -> list[_Summary]:
        query: dict[str, Any] = {"start": start, "limit": PAGE}
        async with http.get(f"{self._url}/api/v1/messages", params=query) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=_Page).messages


def _recipients(summary: _Summary) -> list[str]:
    return _addresses([*(summary.to or ()), *(summary.cc or ()), *(summary.bcc or ())])


def _addresses(found: list[_Address | None] | list[_Address]) -> list[str]:
    return [it.address if it else "" for it in found]
