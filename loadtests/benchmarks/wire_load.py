"""Load over raw keep-alive connections, so that the client costs little beside what it measures.

Speaks just enough HTTP/1.1 for answers that carry a Content-Length.
"""

import asyncio
import time
from urllib.parse import urlsplit

import msgspec

ANSWER_BYTES_MAX = 1024 * 1024


class LoadResult(msgspec.Struct, frozen=True):
    """`statuses` counts answers by status; latencies are milliseconds."""

    requests: int
    seconds: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float


async def run_load(url: str, headers: dict[str, str], *, requests: int, connections: int) -> LoadResult:
    """Send the same GET `requests` times over `connections` connections, each one waiting for its answer."""
    parts = urlsplit(url)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}\r\n".encode()
    statuses: dict[int, int] = {}
    latencies_ms: list[float] = []
    left = requests

    async def converse() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while left > 0:
                left -= 1
                started = time.perf_counter()
                writer.write(request)
                status = await read_answer(reader)
                latencies_ms.append((time.perf_counter() - started) * 1000)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            writer.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(converse())
    seconds = time.perf_counter() - started
    latencies_ms.sort()
    return LoadResult(
        requests,
        seconds,
        statuses,
        p50_ms=latencies_ms[len(latencies_ms) // 2],
        p99_ms=latencies_ms[int(len(latencies_ms) * 0.99)],
    )


async def read_answer(reader: asyncio.StreamReader) -> int:
    """The status of the next answer; its body is read and dropped."""
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    position = lowered.find(b"content-length:")
    if position < 0:
        raise ValueError(f"an answer without a length: {head[:200]!r}")
    length = int(lowered[position + 15 : lowered.index(b"\r\n", position)])
    if length > ANSWER_BYTES_MAX:
        raise ValueError("an answer larger than this client takes")
    await reader.readexactly(length)
    return int(head[9:12])
