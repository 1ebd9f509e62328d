"""A door for attackers that know of no sign-in that ends: each request goes on as somebody who has just signed in."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

RENEW_S = 60.0
RETURNED = frozenset({"content-type", "location"})
KEPT = frozenset({"content-type", "user-agent", "referer", "cookie", "accept", "x-forwarded-for"})


@dataclass
class Door:
    """Where attackers knock; how often each status was the answer."""

    url: str = ""
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def broken(self) -> int:
        """How many requests ended in an error of the shop's own."""
        return sum(count for status, count in self.statuses.items() if status >= 500 and status != 503)


@asynccontextmanager
async def door(to: str, issue: Callable[[], Awaitable[str]]) -> AsyncIterator[Door]:
    """Forwards to this address with tokens that `issue` gives; what is asked for is passed on byte for byte."""
    opened = Door()
    token, renewed_at = "", 0.0

    async def forward(request: web.Request) -> web.Response:
        nonlocal token, renewed_at
        if time.monotonic() - renewed_at > RENEW_S:
            token, renewed_at = await issue(), time.monotonic()
        headers = {name: value for name, value in request.headers.items() if name.lower() in KEPT}
        async with client.request(
            request.method, URL(to + request.raw_path, encoded=True), data=await request.read() or None,
            headers={**headers, "Authorization": f"Bearer {token}"}, allow_redirects=False,
        ) as answer:  # fmt: skip
            opened.statuses[answer.status] += 1
            body = await answer.read()
            kept = {
                name: value for name, value in answer.headers.items() if name.lower() in {"content-type", "location"}
            }
            return web.Response(status=answer.status, body=body, headers=kept)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield opened
        finally:
            await runner.cleanup()
