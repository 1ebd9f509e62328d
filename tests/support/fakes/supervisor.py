"""A supervisor without processes, for harness code that asks for them where the services are away."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from compose.layout import Layout


@asynccontextmanager
async def idle_supervisor(layout: Layout) -> AsyncGenerator[None]:
    """Answers on the control socket that nothing runs, and knows the numbers it was told."""
    numbers: dict[str, int] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline())
        name = request.get("name", "")
        said = {"processes": [], "before": numbers.get(name, 0)}
        numbers[name] = max(said["before"], request.get("number", 0))
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, layout.socket_file):
        yield
