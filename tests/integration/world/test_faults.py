import asyncio
import contextlib
import time

import pytest

from tests.integration.world.running import call, running_world, until


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
async def proxied(folder, **proxy):
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with running_world(folder) as world:
        body = {"name": "echo", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo.port}", **proxy}
        _, made = await call(world, "POST", f"{world.faults_url}/proxies", json=body, expect=201)
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


async def poison(world, kind, *, stream="downstream", toxicity=1.0, **attributes):
    url = f"{world.faults_url}/proxies/echo/toxics"
    toxic = {"type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
    return (await call(world, "POST", url, json=toxic, expect=200))[1]


async def heal(world, name):
    await call(world, "DELETE", f"{world.faults_url}/proxies/echo/toxics/{name}", expect=204)


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
        toxic = await poison(world, "latency", latency=200)
        assert 0.19 <= await ping(pair) < 0.4
        await heal(world, toxic["name"])
        assert await ping(pair) < 0.1


async def test_latency_does_not_cost_throughput(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "latency", latency=100)
        assert await ping(pair, b"x" * 2_000_000) < 1.5


async def test_jitter_varies_the_delay(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "latency", latency=60, jitter=50)
        times = [await ping(pair) for _ in range(8)]
        assert max(times) - min(times) > 0.01
        assert all(time_s < 0.3 for time_s in times)


async def test_bandwidth_limits_the_rate(tmp_path):
    async with proxied(tmp_path) as world, client(world) as pair:
        await poison(world, "bandwidth", rate=100)
        assert 0.35 <= await ping(pair, b"x" * 40_000) < 0.9


async def test_a_changed_bandwidth_is_felt_by_waiting_bytes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "bandwidth", rate=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readexactly(4)
        url = f"{world.faults_url}/proxies/echo/toxics/bandwidth_downstream"
        await call(world, "PATCH", url, json={"attributes": {"rate": 1_000}}, expect=200)
        async with asyncio.timeout(1):
            assert await reader.readexactly(4) == b"ping"


async def test_the_slicer_cuts_but_loses_nothing(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "slicer", average_size=10, size_variation=5, delay=1_000)
        payload = bytes(range(200))
        writer.write(payload)
        pieces = [await reader.read(65_536)]
        while sum(map(len, pieces)) < len(payload):
            pieces.append(await reader.read(65_536))
        assert b"".join(pieces) == payload
        assert len(pieces) > 3


async def test_timeout_swallows_bytes_and_closes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "timeout", timeout=200)
        started = time.monotonic()
        writer.write(b"ping")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert 0.15 <= time.monotonic() - started < 1


async def test_timeout_zero_holds_until_it_is_healed_and_never_tears_a_stream(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        toxic = await poison(world, "timeout", timeout=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        await heal(world, toxic["name"])
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        async with client(world) as pair:
            await ping(pair)


async def test_reset_peer_resets(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await ping((reader, writer))
        await poison(world, "reset_peer", timeout=50)
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(5):
                await reader.read()


async def test_limit_data_closes_after_so_many_bytes(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "limit_data", bytes=100)
        writer.write(b"x" * 250)
        async with asyncio.timeout(5):
            assert len(await reader.read()) == 100


async def test_slow_close_delays_the_end(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await ping((reader, writer))
        await poison(world, "slow_close", delay=300)
        started = time.monotonic()
        writer.write_eof()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert time.monotonic() - started >= 0.29


async def test_an_upstream_toxic_hits_requests_not_answers(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "timeout", stream="upstream", timeout=0)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        assert world.echo.received == 0


async def test_toxicity_is_a_share_of_connections(tmp_path):
    async with proxied(tmp_path) as world:
        await poison(world, "latency", toxicity=0.5, latency=150)
        slow = 0
        for _ in range(20):
            async with client(world) as pair:
                slow += await ping(pair) > 0.1
        assert 3 <= slow <= 17


async def test_down_refuses_and_cuts_and_up_serves_on_the_same_port(tmp_path):
    async with proxied(tmp_path) as world:
        url = f"{world.faults_url}/proxies/echo"
        async with client(world) as (reader, writer):
            await ping((reader, writer))
            await call(world, "POST", url, json={"enabled": False}, expect=200)
            async with asyncio.timeout(2):
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", world.proxy_port)
        await call(world, "PATCH", url, json={"enabled": True}, expect=200)
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
        proxy = world.faults.proxies["echo"]
        await until(lambda: not proxy._connections, "no connection left")


async def test_a_reader_that_stops_reading_stops_the_sender(tmp_path):
    async with proxied(tmp_path) as world, client(world) as (reader, writer):
        await poison(world, "bandwidth", rate=1)
        writer.write(b"x" * 30_000_000)
        await asyncio.wait_for(reader.readexactly(100), 5)
        before = world.echo.received
        await asyncio.wait_for(reader.readexactly(100), 5)
        assert before <= world.echo.received < 20_000_000
        writer.transport.abort()


async def test_reset_heals_everything(tmp_path):
    async with proxied(tmp_path) as world:
        await poison(world, "latency", latency=300)
        await call(world, "POST", f"{world.faults_url}/proxies/echo", json={"enabled": False}, expect=200)
        await call(world, "POST", f"{world.faults_url}/reset", expect=204)
        async with client(world) as pair:
            assert await ping(pair) < 0.2


async def test_the_api_speaks_toxiproxy(tmp_path):
    async with proxied(tmp_path) as world:
        url = world.faults_url
        _, version = await call(world, "GET", f"{url}/version", expect=200)
        assert version["version"].startswith("2.")
        _, proxies = await call(world, "GET", f"{url}/proxies", expect=200)
        assert proxies["echo"]["enabled"] is True
        assert proxies["echo"]["toxics"] == []
        same = {"name": "echo", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}
        _, refusal = await call(world, "POST", f"{url}/proxies", json=same, expect=409)
        assert refusal == {"error": "proxy already exists", "status": 409}
        _, refusal = await call(world, "GET", f"{url}/proxies/none", expect=404)
        assert refusal == {"error": "proxy not found", "status": 404}
        await call(world, "POST", f"{url}/proxies", json={"name": "x"}, expect=400)
        toxic = await poison(world, "latency", latency=5)
        assert toxic == {
            "type": "latency",
            "name": "latency_downstream",
            "stream": "downstream",
            "toxicity": 1.0,
            "attributes": {"latency": 5, "jitter": 0},
        }
        toxics = f"{url}/proxies/echo/toxics"
        await call(world, "POST", toxics, json={"type": "latency"}, expect=409)
        await call(world, "POST", toxics, json={"type": "plague"}, expect=400)
        await call(world, "POST", toxics, json={"type": "latency", "stream": "sideways"}, expect=400)
        await call(world, "POST", toxics, json={"type": "slicer", "attributes": {"delay": "x"}}, expect=400)
        _, changed = await call(
            world, "PATCH", f"{toxics}/latency_downstream", json={"attributes": {"jitter": 2}}, expect=200
        )
        assert changed["attributes"] == {"latency": 5, "jitter": 2}
        _, listed = await call(world, "GET", toxics, expect=200)
        assert len(listed) == 1
        await call(world, "DELETE", f"{toxics}/nothing", expect=404)
        _, populated = await call(world, "POST", f"{url}/populate", json=[same, {**same, "name": "two"}], expect=201)
        assert [it["name"] for it in populated["proxies"]] == ["echo", "two"]
        await call(world, "DELETE", f"{url}/proxies/two", expect=204)
        await call(world, "GET", f"{url}/proxies/two", expect=404)
