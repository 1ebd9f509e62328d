"""One small HTTP GET without a client library: readiness is asked for while everything boots."""

import asyncio
from typing import Final, NamedTuple
from urllib.parse import urlsplit

ANSWER_BYTES_MAX: Final = 1 << 20


class Answer(NamedTuple):
    status: int
    body: bytes


async def get(url: str, *, seconds_max: float) -> Answer:
    """GET over HTTP/1.0 on a fresh connection. Raises OSError or TimeoutError when nobody answers."""
    parts = urlsplit(url)
    assert parts.hostname
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    async with asyncio.timeout(seconds_max):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.read(ANSWER_BYTES_MAX)
            while not reader.at_eof() and len(body) < ANSWER_BYTES_MAX:
                body += await reader.read(ANSWER_BYTES_MAX - len(body))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionError(f"{url} broke off: {error}") from error
        finally:
            writer.close()
    return Answer(int(head.split(None, 2)[1]), body)
