"""The one answer that the harness needs of every service, where the services themselves are away."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from compose.layout import Layout
from tests.support.apps import WITH_DATABASE


@asynccontextmanager
async def contracts(layout: Layout) -> AsyncGenerator[None]:
    """Every service says that it consumes nothing."""

    async def contract(_: web.Request) -> web.Response:
        return web.json_response({"consumes": []})

    app = web.Application()
    app.router.add_get("/internal/contract", contract)
    serving = web.AppRunner(app, shutdown_timeout=0.1)
    await serving.setup()
    for service in WITH_DATABASE:
        await web.TCPSite(serving, "127.0.0.1", layout.port(service)).start()
    try:
        yield
    finally:
        await serving.cleanup()
