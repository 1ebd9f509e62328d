"""The floor a gateway is measured against: uvicorn and aiohttp with nothing in between, and a service to call.

Run as a process of its own: `python -m loadtests.benchmarks.bare_proxy upstream|proxy PORT [TARGET_OR_DOCUMENT]`.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from yarl import URL

Send = Callable[[dict[str, Any]], Awaitable[None]]
KEEP_ALIVE_S = 15.0
JWKS_PATH = "/.well-known/jwks.json"
ANSWER = b'{"items": [' + b", ".join(b'{"id": "%d", "status": "paid"}' % number for number in range(20)) + b"]}"


class Upstream:
    """Answers everything with one small JSON list, and the key set with the given document."""

    def __init__(self, key_set: bytes) -> None:
        self._key_set = key_set

    async def __call__(self, scope: dict[str, Any], _receive: object, send: Send) -> None:
        if scope["type"] == "http":
            await _send(send, 200, [], self._key_set if scope["path"] == JWKS_PATH else ANSWER)


class BareProxy:
    """Forwards every GET to one target and its answer back."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: dict[str, Any], _receive: object, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        url = URL(self._target + scope["raw_path"].decode("ascii"), encoded=True)
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name != b"host"}
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            content = await answer.read()
            await _send(send, answer.status, list(answer.raw_headers), content)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
    if not headers:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def main(role: str, port: int, argument: str) -> None:
    """Serve as services are served: uvloop, httptools, no access log."""
    app = Upstream(Path(argument).read_bytes()) if role == "upstream" else BareProxy(argument)
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
