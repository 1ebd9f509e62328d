"""Load over raw keep-alive connections, so that the client costs little beside what it measures.

Speaks just enough HTTP/1.1 for answers that carry a Content-Length.
"""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

ANSWER_BYTES_MAX = 1024 * 1024


class LoadResult(msgspec.Struct, frozen=True):
    """`statuses` counts answers by status; latencies are milliseconds."""

    requests: int
    seconds: float
    statuses: dict[int, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Ask(msgspec.Struct, frozen=True):
    """One GET as it goes over the wire. All asks of a load go to one server."""

    host: str
    port: int
    content: bytes


def ask(url: str, headers: Mapping[str, str]) -> Ask:
    """A GET of the URL with these headers."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Ask(parts.hostname, parts.port, f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}\r\n".encode())


async def run_load(asks: Sequence[Ask], *, requests: int, connections: int) -> LoadResult:
    """Send these GETs in turn, `requests` in all, over `connections` connections, each one waiting for its answer."""
    statuses: dict[int, int] = {}
    latencies_ms: list[float] = []
    wishes = itertools.islice(itertools.cycle(asks), requests)

    async def converse() -> None:
        reader, writer = await asyncio.open_connection(asks[0].host, asks[0].port)
        try:
            for wish in wishes:
                started = time.perf_counter()
                writer.write(wish.content)
                status = await read_answer(reader)
                latencies_ms.append((time.perf_counter() - started) * 1000)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            writer.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(converse())
    return summary(latencies_ms, time.perf_counter() - started, statuses)


async def run_paced(asks: Sequence[Ask], *, per_s: float, seconds: float, connections: int) -> LoadResult:
    """Send these GETs in turn at a constant pace, whatever the answers take.

    Each waits from the moment it was due: for a free connection too, of which there are `connections` at most.
    """
    statuses: dict[int, int] = {}
    latencies_ms: list[float] = []
    free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
    opened = [await asyncio.open_connection(asks[0].host, asks[0].port) for _ in range(connections)]
    for one in opened:
        free.put_nowait(one)

    async def converse(wish: Ask, due: float) -> None:
        reader, writer = await free.get()
        writer.write(wish.content)
        status = await read_answer(reader)
        latencies_ms.append((time.perf_counter() - due) * 1000)
        statuses[status] = statuses.get(status, 0) + 1
        free.put_nowait((reader, writer))

    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for number, wish in enumerate(itertools.islice(itertools.cycle(asks), max(1, int(per_s * seconds)))):
                due = began + number / per_s
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(converse(wish, due))
    finally:
        for _, writer in opened:
            writer.close()
    return summary(latencies_ms, time.perf_counter() - began, statuses)


def summary(latencies_ms: Sequence[float], seconds: float, statuses: dict[int, int]) -> LoadResult:
    """What a load saw; there must have been an answer."""
    ordered = sorted(latencies_ms)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.50, 0.95, 0.99))
    return LoadResult(len(ordered), seconds, statuses, p50_ms=p50, p95_ms=p95, p99_ms=p99)


def check_all_ok(load: LoadResult) -> None:
    """Raises RuntimeError where an answer was not 200: it would cost something else than what is measured."""
    if set(load.statuses) != {200}:
        raise RuntimeError(f"not every answer was 200: {load.statuses}")


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
