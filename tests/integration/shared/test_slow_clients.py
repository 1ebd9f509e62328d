"""A connection whose client is slow on purpose is closed; one whose client is only slow is served."""

import asyncio
import select
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn

from shared.http_protocol import Awaited, HttpProtocol
from tests.support.services import free_port, until

pytestmark = pytest.mark.service("shared")

BEGUN = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
ANSWER = b"x" * 4_000_000
CLOSED_WITHIN_S = 15.0


class Hasty(HttpProtocol):
    """The same with less patience."""

    def patience_s(self, awaited):
        usual = super().patience_s(awaited)
        return None if usual is None else usual / 20


class Reader(HttpProtocol):
    """A whole answer takes longer than this one waits for a client that takes nothing."""

    def patience_s(self, awaited):
        return 1.0 if awaited is Awaited.READING else super().patience_s(awaited)


async def app(scope, receive, send):
    """Answers at once, whatever comes of the body; a path of one letter more reads the body first."""
    assert scope["type"] == "http"
    if scope["path"] == "/read":
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
    body = ANSWER if scope["path"] == "/large" else b"ok"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def running(protocol=Hasty):
    port = free_port()
    config = uvicorn.Config(app, port=port, http=protocol, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield port, server
    finally:
        server.should_exit = True
        await task


async def until_closed(reader):
    """All that came until the server closed the connection."""
    async with asyncio.timeout(CLOSED_WITHIN_S):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def dripped(port, begun, drop):
    """What a client hears that sends a beginning, and then drop after drop."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)

    async def drip():
        while True:
            writer.write(drop)
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        return await until_closed(reader)
    finally:
        dripping.cancel()
        writer.close()


async def test_headers_that_never_end_are_refused_and_the_connection_closed():
    async with running() as (port, _):
        answer = await dripped(port, BEGUN, b"X-Slow: 1\r\n")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer


async def test_a_connection_on_which_nothing_is_asked_is_closed_without_a_word():
    async with running() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await until_closed(reader) == b""
        writer.close()


async def test_the_rest_of_a_body_that_was_answered_early_is_not_awaited():
    async with running() as (port, _):
        answer = await dripped(port, BEGUN + b"Content-Length: 60000\r\n\r\n", b"x")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_body_that_never_ends_is_not_awaited():
    async with running() as (port, _):
        begun = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
        assert await dripped(port, begun, b"x") == b""


async def test_a_second_request_is_bound_like_the_first():
    async with running() as (port, _):
        answer = await dripped(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + BEGUN, b"X-Slow: 1\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answer


async def test_who_does_not_read_the_answer_is_cut():
    async with running() as (port, server):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4)
            await until(lambda: server.server_state.connections, deadline_s=CLOSED_WITHIN_S)
            await until(lambda: not server.server_state.connections, deadline_s=CLOSED_WITHIN_S)
            poll = select.poll()
            poll.register(client, select.POLLRDHUP)
            assert poll.poll(1_000)  # the system keeps nothing of it either


async def test_who_reads_slowly_but_reads_gets_all_of_it():
    async with running(Reader) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
        writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        async with asyncio.timeout(60.0):
            while chunk := await reader.read(65_536):
                received += len(chunk)
                await asyncio.sleep(0.05)
        writer.close()
        assert received > len(ANSWER)


async def test_patience_has_an_end_for_all_that_a_client_can_be_slow_with():
    waited_for = {awaited: HttpProtocol.patience_s(Hasty, awaited) for awaited in Awaited}
    assert {awaited for awaited, seconds in waited_for.items() if seconds is None} == {Awaited.NOTHING}


async def test_who_leaves_amid_answers_to_several_requests_is_no_fault_of_the_application(caplog):
    async with running() as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4)
        await reader.readexactly(4_096)
        writer.transport.abort()
        await until(lambda: not server.server_state.tasks, deadline_s=CLOSED_WITHIN_S)
    assert [record.message for record in caplog.records if record.name == "uvicorn.error"] == []
