import asyncio
import contextlib
import time

import pytest

from scenarios.world.journals import read_journals
from tests.support.world import call, running_world, until


class Echo:
    """A TCP server that says everything back; counts connections."""

    def __init__(self):
        self.connections = 0
        self.received = 0
        self.port = 0

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                self.received += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def proxied(folder, *, upstream=""):
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with running_world(folder) as world:
        world.upstream = upstream or f"127.0.0.1:{echo.port}"
        made = await link(world)
        world.echo = echo
        world.proxy_port = int(made["listen"].rpartition(":")[2])
        yield world
    server.close()


@contextlib.asynccontextmanager
async def client(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.proxy_port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def link(world, *toxics, **wanted):
    body = {"upstream": world.upstream, "toxics": toxics, **wanted}
    return (await call(world, "PUT", f"{world.faults_url}/links/echo", json=body, expect=200))[1]


async def poison(world, kind, **attributes):
    return await link(world, {"type": kind, **attributes})


async def heal(world):
    await link(world)


async def listed(world):
    return (await call(world, "GET", f"{world.faults_url}/links", expect=200))[1]["items"]


async def ping(pair, payload=b"ping"):
    """Seconds until the echo of `payload` is whole."""
    reader, writer = pair
    started = time.monotonic()
    writer.write(payload)
    async with asyncio.timeout(5):
        assert await reader.readexactly(len(payload)) == payload
    return time.monotonic() - started


async def test_without_toxics_bytes_pass_whole_and_fast(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        assert await ping(pair) < 0.1
        await ping(pair, bytes(range(256)) * 8_192)


async def test_latency_delays_open_connections_until_it_is_healed(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "latency", latency_ms=200)
        assert 0.19 <= await ping(pair) < 0.4
        await heal(world)
        assert await ping(pair) < 0.1


async def test_latency_does_not_cost_throughput(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "latency", latency_ms=100)
        assert await ping(pair, b"x" * 2_000_000) < 1.5


async def test_jitter_varies_the_delay(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "latency", latency_ms=60, jitter_ms=50)
        times = [await ping(pair) for _ in range(8)]
        assert max(times) - min(times) > 0.01
        assert all(time_s < 0.3 for time_s in times)


async def test_bandwidth_limits_the_rate(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "bandwidth", rate_kb_s=100)
        assert 0.35 <= await ping(pair, b"x" * 40_000) < 0.9


async def test_a_changed_bandwidth_is_felt_by_waiting_bytes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "bandwidth", rate_kb_s=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readexactly(4)
        await poison(world, "bandwidth", rate_kb_s=1_000)
        async with asyncio.timeout(1):
            assert await reader.readexactly(4) == b"ping"


async def test_the_slicer_cuts_but_loses_nothing(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "slicer", average_bytes=10, variation_bytes=5, delay_us=1_000)
        payload = bytes(range(200))
        writer.write(payload)
        pieces = [await reader.read(65_536)]
        while sum(map(len, pieces)) < len(payload):
            pieces.append(await reader.read(65_536))
        assert b"".join(pieces) == payload
        assert len(pieces) > 3


async def test_timeout_swallows_bytes_and_closes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "timeout", after_ms=200)
        started = time.monotonic()
        writer.write(b"ping")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert 0.15 <= time.monotonic() - started < 1


async def test_timeout_zero_holds_until_it_is_healed_and_never_tears_a_stream(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "timeout", after_ms=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        await heal(world)
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        async with client(world) as pair:
            await ping(pair)


async def test_reset_peer_resets(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await ping((reader, writer))
        await poison(world, "reset_peer", after_ms=50)
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(5):
                await reader.read()


async def test_limit_data_closes_after_so_many_bytes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "limit_data", bytes_max=100)
        writer.write(b"x" * 250)
        async with asyncio.timeout(5):
            assert len(await reader.read()) == 100


async def test_slow_close_delays_the_end(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await ping((reader, writer))
        await poison(world, "slow_close", delay_ms=300)
        started = time.monotonic()
        writer.write_eof()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert time.monotonic() - started >= 0.29


async def test_an_upstream_toxic_hits_requests_not_answers(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "timeout", stream="upstream", after_ms=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        assert world.echo.received == 0


async def test_toxicity_is_a_share_of_connections(tmp_path):
    async with proxied(tmp_path) as world:
        await poison(world, "latency", toxicity=0.5, latency_ms=150)
        slow = 0
        for _ in range(20):
            async with client(world) as pair:
                slow += await ping(pair) > 0.1
        assert 3 <= slow <= 17


async def test_down_refuses_and_cuts_and_up_serves_on_the_same_port(tmp_path):
    async with proxied(tmp_path) as world:
        async with client(world) as (reader, writer):
            await ping((reader, writer))
            await link(world, down=True)
            async with asyncio.timeout(2):
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", world.proxy_port)
        await heal(world)
        async with client(world) as pair:
            await ping(pair)


async def test_a_dead_upstream_is_a_closed_connection(tmp_path):
    async with proxied(tmp_path, upstream="127.0.0.1:1") as world, client(world) as (reader, _):
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""


async def test_a_client_that_leaves_takes_its_upstream_with_it(tmp_path):
    async with proxied(tmp_path) as world:
        async with client(world) as pair:
            await ping(pair)
        proxy = world.faults._proxies["echo"]
        await until(lambda: not proxy.connections, "no connection left")


async def test_a_reader_that_stops_reading_stops_the_sender(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "bandwidth", rate_kb_s=1)
        writer.write(b"x" * 30_000_000)
        await asyncio.wait_for(reader.readexactly(100), 5)
        before = world.echo.received
        await asyncio.wait_for(reader.readexactly(100), 5)
        assert before <= world.echo.received < 20_000_000
        writer.transport.abort()


async def test_a_fault_with_a_time_heals_by_itself(tmp_path):
    async with proxied(tmp_path) as world:
        await link(world, down=True, for_s=0.2)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", world.proxy_port)
        proxy = world.faults._proxies["echo"]
        await until(lambda: proxy.enabled, "the end of the fault")
        async with client(world) as pair:
            assert await ping(pair) < 0.2
        (state,) = await listed(world)
        assert (state["down"], state["heals_at"]) == (False, 0.0)


async def test_a_later_fault_is_not_healed_by_the_time_of_an_earlier_one(tmp_path):
    async with proxied(tmp_path) as world:
        await link(world, {"type": "latency", "latency_ms": 5}, for_s=0.1)
        await poison(world, "latency", latency_ms=6)
        await link(world, {"type": "latency", "latency_ms": 7}, for_s=0.2)
        proxy = world.faults._proxies["echo"]
        await until(lambda: not proxy.toxics, "the end of the last fault")
        kinds = [line.kind for line in read_journals(tmp_path).faults]
    assert kinds == ["changed", "changed", "changed", "changed", "healed"]


async def test_a_closed_link_is_gone_and_can_be_closed_again(tmp_path):
    async with proxied(tmp_path) as world:
        for _ in range(2):
            await call(world, "DELETE", f"{world.faults_url}/links/echo", expect=204)
        assert await listed(world) == []
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", world.proxy_port)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"upstream": "nowhere"},
        {"upstream": "127.0.0.1:1", "toxics": [{"type": "plague"}]},
        {"upstream": "127.0.0.1:1", "toxics": [{"type": "latency", "stream": "sideways"}]},
        {"upstream": "127.0.0.1:1", "toxics": [{"type": "latency", "latency_ms": -1}]},
        {"upstream": "127.0.0.1:1", "for_s": 1e9},
    ],
)
async def test_what_is_no_fault_is_refused(tmp_path, wanted):
    async with running_world(tmp_path) as world:
        await call(world, "PUT", f"{world.faults_url}/links/x", json=wanted, expect=400)


async def test_a_link_keeps_its_upstream(tmp_path):
    async with proxied(tmp_path) as world:
        other = {"upstream": "127.0.0.1:1"}
        await call(world, "PUT", f"{world.faults_url}/links/echo", json=other, expect=409)
