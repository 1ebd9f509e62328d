"""Mails that Mailpit took are in the journal, each once, whoever died in between."""

from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from scenarios.world.mail.catcher import MailCatcher
from scenarios.world.mail.mailpit import PAGE, Mailpit


class Kept:
    """Mailpit's API as far as the world reads it; newest first."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []
        self.asked = 0
        self.coming = 0
        """How many come before each page but the first."""

    def take(self, count: int = 1) -> None:
        for _ in range(count):
            n = len(self.mails)
            headers = f"Message-ID: <{n}@shop>\r\nX-Shopstream-Order: SO-{n}\r\nSubject: Mail {n}"
            self.mails.append((f"id{n}", f"{headers}\r\n\r\nHello\r\n".encode()))

    async def list(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.asked > 1:
            self.take(self.coming)
        start, limit = int(request.query["start"]), int(request.query["limit"])
        newest = self.mails[::-1][start : start + limit]
        who = {"From": {"Address": "shop@example.com"}, "To": [{"Address": "ann@example.com"}], "Cc": None}
        return web.json_response({"messages": [{"ID": name, **who} for name, _ in newest]})

    async def raw(self, request: web.Request) -> web.Response:
        return web.Response(body=dict(self.mails)[request.match_info["id"]])


@asynccontextmanager
async def mailpit():
    kept = Kept()
    application = web.Application()
    application.router.add_get("/api/v1/messages", kept.list)
    application.router.add_get("/api/v1/message/{id}/raw", kept.raw)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield kept, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def read(url: str, folder) -> list:
    """One look of a world that was just started; what its journal lists then."""
    catcher = MailCatcher(folder)
    async with aiohttp.ClientSession() as http:
        await Mailpit(url, catcher).read(http)
    await catcher.stop()
    return list(catcher.index)


async def test_each_mail_is_journalled_once_oldest_first_and_again_by_nobody(tmp_path):
    async with mailpit() as (kept, url):
        kept.take(3)
        assert [it.order_id for it in await read(url, tmp_path)] == ["SO-0", "SO-1", "SO-2"]
        kept.take()
        found = await read(url, tmp_path)
    assert [it.order_id for it in found] == ["SO-0", "SO-1", "SO-2", "SO-3"]
    assert [it.n for it in found] == [1, 2, 3, 4]
    assert found[0].recipients == ["ann@example.com"]
    assert found[0].sender == "shop@example.com"
    assert (tmp_path / "mail" / "4.eml").read_bytes().endswith(b"Hello\r\n")


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 1])
async def test_more_mails_than_a_page_are_all_read(tmp_path, count):
    async with mailpit() as (kept, url):
        kept.take(count)
        found = await read(url, tmp_path)
        pages = kept.asked
    assert [it.message_id for it in found] == [f"{n}@shop" for n in range(count)]
    assert pages == count // PAGE + 1


async def test_mails_that_come_while_pages_are_read_are_told_once(tmp_path):
    async with mailpit() as (kept, url):
        kept.take(2 * PAGE + 50)
        kept.coming = 7
        first = await read(url, tmp_path)
        kept.coming = 0
        found = await read(url, tmp_path)
    assert len({it.message_id for it in first}) == len(first)
    assert sorted(it.message_id for it in found) == sorted(f"{n}@shop" for n in range(len(kept.mails)))
