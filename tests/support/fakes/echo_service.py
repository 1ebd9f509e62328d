"""A service behind the gateway that tells what reached it, and misbehaves on request.

By the path behind the first segment: `slow/MS`, `status/CODE`, `big/BYTES` (streamed), `die` (closes the connection).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from redis.asyncio import Redis

from shared.service_registry import Registry

BEAT_EVERY_S = 0.3


class EchoService:
    """One instance; `requests` holds what it echoed, `asked` the paths of all it answered."""

    def __init__(self, service: str, instance: str, redis: Redis, prefix: str) -> None:
        self.service = service
        self.instance = instance
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.answer_headers: dict[str, str] = {}
        self.documents: dict[str, Any] = {}
        self.refusals: dict[str, int] = {}
        self.asked: list[str] = []
        self.dies_at: set[str] = set()
        self.running = 0
        self._registry = Registry(redis, prefix)
        self._runner: web.AppRunner | None = None
        self._beats: asyncio.Task[None] | None = None

    async def open(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        await self._registry.heartbeat(self.service, self.instance, self.url)
        self._beats = asyncio.create_task(self._beat())

    async def stop_beating(self) -> None:
        if self._beats is not None:
            self._beats.cancel()
            await asyncio.gather(self._beats, return_exceptions=True)

    async def die(self) -> None:
        """Stop answering and beating without a farewell, as kill -9 does."""
        await self.stop_beating()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _beat(self) -> None:
        while True:
            await self._registry.heartbeat(self.service, self.instance, self.url)
            await asyncio.sleep(BEAT_EVERY_S)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.running += 1
        try:
            return await self._act(request)
        finally:
            self.running -= 1

    async def _act(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.refusals:
            return web.json_response({"code": "refused"}, status=self.refusals[request.path])
        if request.path in self.documents:
            return web.json_response(self.documents[request.path])
        body = await request.read()
        seen = {
            "instance": self.instance,
            "method": request.method,
            "target": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body_bytes": len(body),
            "body": body[:1000].decode("latin-1"),
        }
        self.requests.append(seen)
        parts = request.path.strip("/").split("/")
        act, value = (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[-1])
        if value == "die" or request.path in self.dies_at:
            assert request.transport is not None
            request.transport.close()
        if act == "slow":
            await asyncio.sleep(int(value) / 1000)
        if act == "status":
            return web.json_response({"code": "told_so"}, status=int(value))
        if act == "big":
            return await self._stream(request, int(value))
        return web.json_response(seen, headers=self.answer_headers)

    async def _stream(self, request: web.Request, size: int) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while size:
            chunk = min(size, 65_536)
            await response.write(b"x" * chunk)
            size -= chunk
        await response.write_eof()
        return response


@asynccontextmanager
async def echo(engines: Any, prefix: str, service: str, instance: str = "") -> AsyncIterator[EchoService]:
    """A running instance in the registry under the prefix."""
    redis = Redis.from_url(engines.redis)
    fake = EchoService(service, instance or f"{service}-1", redis, prefix)
    await fake.open()
    try:
        yield fake
    finally:
        await fake.die()
        await redis.aclose()
