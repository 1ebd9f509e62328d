"""How the records of Locust's processes come into the history of the run: line by line through one pipe.

A line is written at once and whole (it is shorter than what a pipe takes in one piece), before the request it tells of.
A process on another host has no pipe; its lines come by Locust's own messages.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final

import msgspec

from scenarios.history import HistoryWriter, Record, RecordWriter

PIPE_BUF: Final = 4_096
"""What POSIX systems write to a pipe in one piece; Linux's value."""


class Sourced(msgspec.Struct, frozen=True):
    """A record with the process that made it, whose times count from `origin_at` (epoch seconds)."""

    source: str
    origin_at: float
    record: msgspec.Raw


def sourced_writer(source: str, send: Callable[[bytes], object]) -> RecordWriter:
    """Records of this process; each goes out as one line."""

    def write(line: bytearray) -> None:
        sent = msgspec.json.encode(Sourced(source, writer.origin_at, msgspec.Raw(bytes(line[:-1])))) + b"\n"
        assert len(sent) <= PIPE_BUF, f"a record of {len(sent)} bytes could be torn"
        send(sent)

    writer = RecordWriter(write)
    return writer


def to_pipe(descriptor: int) -> Callable[[bytes], object]:
    """Writing blocks while the run's own process does not read; its end is a broken pipe."""
    return lambda line: os.write(descriptor, line)


def copy(line: bytes, history: HistoryWriter) -> None:
    """Put a line into the history of the run."""
    sourced = msgspec.json.decode(line, type=Sourced)
    record = msgspec.json.decode(sourced.record, type=Record)
    history.copy(record, source=sourced.source, at=sourced.origin_at + record.time_s)


async def copy_all(descriptor: int, history: HistoryWriter) -> None:
    """Until every process that could write is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            async for line in reader:
                copy(line, history)
        finally:
            transport.close()
