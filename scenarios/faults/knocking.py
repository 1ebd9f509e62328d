"""Knock at an engine's or partner's door and time the first word of its answer: what probes of the network see by."""

import asyncio
import struct
import time
from typing import Final

HEAVY_BYTES: Final = 6_000
ANSWER_S_MAX: Final = 5.0

_FILL: Final = b"x" * HEAVY_BYTES
_SMTP_LINE: Final = b"NOOP " + b"x" * 400 + b"\r\n"


def _kafka(client: bytes) -> bytes:
    """ApiVersions, version 0, which every broker answers."""
    head = struct.pack(">hhih", 18, 0, 1, len(client)) + client
    return struct.pack(">i", len(head)) + head


def _http(fill: bytes) -> bytes:
    return b"GET /health/live HTTP/1.1\r\nHost: knock\r\nX-Knock: " + fill + b"\r\n\r\n"


def _postgres_startup() -> bytes:
    body = struct.pack(">i", 196_608) + b"user\0knock\0application_name\0" + _FILL + b"\0\0"
    return struct.pack(">i", len(body) + 4) + body


LIGHT: Final = {
    "postgres": struct.pack(">ii", 8, 80_877_103),
    "redis": b"PING\r\n",
    "kafka": _kafka(b"knock"),
    "smtp": b"NOOP\r\n",
}
HEAVY: Final = {
    "postgres": _postgres_startup(),
    "redis": b"*2\r\n$4\r\nPING\r\n$%d\r\n%s\r\n" % (HEAVY_BYTES, _FILL),
    "kafka": _kafka(_FILL),
    "smtp": _SMTP_LINE * (HEAVY_BYTES // len(_SMTP_LINE) + 1),
}


async def knock(kind: str, port: int, *, heavy: bool = False) -> float:
    """Seconds from the first byte sent to the first byte of the answer; `heavy` sends HEAVY_BYTES.

    Raises OSError when the door is shut or slammed, TimeoutError when nobody answers.
    """
    said = (HEAVY if heavy else LIGHT).get(kind) or _http(_FILL if heavy else b"")
    async with asyncio.timeout(ANSWER_S_MAX):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if kind == "smtp" and not await reader.readline():  # its greeting
                raise ConnectionResetError("closed without a greeting")
            began = time.monotonic()
            writer.write(said)
            await _word(reader)
            return time.monotonic() - began
        finally:
            writer.transport.abort()


async def _word(reader: asyncio.StreamReader) -> None:
    if not await reader.read(1):
        raise ConnectionResetError("closed without an answer")
