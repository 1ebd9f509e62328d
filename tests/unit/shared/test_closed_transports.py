"""What uvloop really says when somebody writes to a connection that is gone."""

import asyncio

import pytest
import uvloop

from shared.closed_transports import lost_connections


async def write_after_the_end() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.transport.abort()
        await asyncio.sleep(0)
        with lost_connections():
            writer.write(b"hello")


def test_a_write_to_a_connection_that_died_is_told_as_a_lost_connection() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(ConnectionResetError):
        runner.run(write_after_the_end())


def test_every_other_error_passes() -> None:
    with pytest.raises(RuntimeError, match="a bug"), lost_connections():
        raise RuntimeError("a bug")
