"""One small HTTP GET without a client library: readiness is asked for while everything boots."""

import asyncio
from typing import Final, NamedTuple
from urllib.parse import urlsplit

ANSWER_BYTES_MAX: Final = 1 << 20


class Answer(NamedTuple):
    status: int
    body: bytes


async def get(url: str, *, seconds_max: float, token: str = "") -> Answer:
    """GET over HTTP/1.0 on a fresh connection, with a bearer token if one is given.

    Raises OSError or TimeoutError when nobody answers.
    """
    parts = urlsplit(url)
    assert parts.hostname
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    proof = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n{proof}\r\n"
    async with asyncio.timeout(seconds_max):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(head.encode())
            answered = await reader.readuntil(b"\r\n\r\n")
            body = await reader.read(ANSWER_BYTES_MAX)
            while not reader.at_eof() and len(body) < ANSWER_BYTES_MAX:
                body += await reader.read(ANSWER_BYTES_MAX - len(body))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionError(f"{url} broke off: {error}") from error
        finally:
            writer.close()
    return Answer(int(answered.split(None, 2)[1]), body)
