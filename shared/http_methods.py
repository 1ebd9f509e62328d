"""What HTTP asks of every resource beside its own methods: HEAD is GET without the body, and Allow names all there are.

RFC 9110, 9.3.2 and 10.2.1. Stands around the framework, which answers HEAD with 405 and an OPTIONS with the methods of
the handler that it met first.
"""

from collections.abc import Iterable

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Message, Receive, Scope, Send


class HttpMethods:
    """An ASGI application around the one that the framework made of the routes."""

    def __init__(self, app: Litestar) -> None:
        self._app = app.asgi_handler
        self._allowed = {
            route.path_format: allow(route.methods).encode() for route in app.routes if isinstance(route, HTTPRoute)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a HEAD goes the way of the GET it stands for."""
        if scope["type"] != "http" or scope["method"] not in ("HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await self._app(scope, receive, self._telling_all(scope, send))
            return
        read = scope.copy()
        read["method"] = "GET"
        await self._app(read, receive, _without_body(send))

    def _telling_all(self, scope: Scope, send: Send) -> Send:
        async def send_all(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, self._allowed[scope["path_template"]] if name == b"allow" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return send_all


def allow(methods: Iterable[str]) -> str:
    """The Allow header of a resource with these methods."""
    known = set(methods)
    return ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_head
