"""A shop of one page and one till, for Locust to load."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from loadtests.locust_load import free_port


@dataclass
class TinyShop:
    """`asked` counts requests by method and path; orders are remembered by their key."""

    url: str
    asked: Counter[str] = field(default_factory=Counter)
    orders: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v1")
        self.asked[f"{request.method} {path.split('/')[1]}"] += 1
        if request.method == "POST" and path == "/orders":
            key = request.headers["Idempotency-Key"]
            number = self.orders.setdefault(key, f"order-{len(self.orders)}")
            total = {"amount": "24.50", "currency": "EUR"}
            return web.json_response({"id": number, "status": "pending", "total": total}, status=201)
        return web.json_response(page(path))


def page(path: str) -> dict[str, Any]:
    if not path.startswith("/orders/"):
        return {"items": [], "lines": []}
    return {"id": path.split("/")[2], "status": "paid", "total": {"amount": "24.50", "currency": "EUR"}}


@asynccontextmanager
async def tiny_shop() -> AsyncIterator[TinyShop]:
    shop = TinyShop(f"http://127.0.0.1:{free_port()}")
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", shop.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(shop.url.rpartition(":")[2])).start()
    try:
        yield shop
    finally:
        await runner.cleanup()
