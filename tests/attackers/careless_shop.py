"""A shop with a hole of each kind that attackers look for, so that those who find nothing are seen to be looking."""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiohttp import web

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_ITEM = {"type": "object", "required": ["price"], "properties": {"price": {"type": "integer"}}}
_JSON = {"200": {"description": "", "content": {"application/json": {"schema": _ITEM}}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "careless", "version": "1"},
    "components": {"securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/breaks/{id}": {"get": {"parameters": [_ID], "responses": {"200": {"description": ""}}}},
        "/teapot": {"get": {"responses": {"200": {"description": ""}}}},
        "/lies": {"get": {"responses": _JSON}},
        "/open": {"get": {"security": [{"accessToken": []}], "responses": {"200": {"description": ""}}}},
    },
}


@asynccontextmanager
async def careless_shop(database_url: str = "") -> AsyncIterator[str]:
    """Its address."""

    async def breaks(_: web.Request) -> web.Response:
        return web.Response(status=500)

    async def teapot(_: web.Request) -> web.Response:
        return web.Response(status=418)

    async def lies(_: web.Request) -> web.Response:
        return web.json_response({"price": "cheap"})

    async def is_open(_: web.Request) -> web.Response:
        return web.Response(text="secrets")

    async def page(_: web.Request) -> web.Response:
        links = "".join(f'<a href="/{name}?q=1">{name}</a>' for name in ("echo", "find"))
        return web.Response(text=f"<html><body>{links}</body></html>", content_type="text/html")

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"<html><body>{request.query.get('q', '')}</body></html>", content_type="text/html")

    async def find(request: web.Request) -> web.Response:
        connection = await asyncpg.connect(database_url)
        try:
            found = await connection.fetch(f"SELECT 'lamp' AS name WHERE '{request.query.get('q', '')}' <> ''")
        except asyncpg.PostgresError as error:
            return web.Response(status=500, text=f"PostgreSQL query failed: ERROR: {error}")
        finally:
            await connection.close()
        return web.Response(text=html.escape(str([row["name"] for row in found])), content_type="text/html")

    app = web.Application()
    app.add_routes(
        [
            web.get("/", page),
            web.get("/breaks/{id}", breaks),
            web.get("/teapot", teapot),
            web.get("/lies", lies),
            web.get("/open", is_open),
            web.get("/echo", echo),
            web.get("/find", find),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
