import asyncio
import io

from tests.support.world import call, running_world


async def exchange(world, request, *, answers):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.psp_url.rpartition(":")[2]))
    writer.write(request)
    got = b""
    async with asyncio.timeout(5):
        while got.count(b"HTTP/1.1 ") < answers or not got.endswith(b"}"):
            data = await reader.read(65_536)
            if not data:
                break
            got += data
    writer.close()
    return got


async def test_every_part_tells_its_health(tmp_path):
    async with running_world(tmp_path) as world:
        for url in (world.psp_url, world.carrier_url, world.catcher_url, world.faults_url):
            for path in ("/healthz", "/health/ready", "/health/live"):
                _, health = await call(world, "GET", url + path, expect=200)
                assert health["status"] == "ok"


async def test_pipelined_requests_are_answered_in_order(tmp_path):
    async with running_world(tmp_path) as world:
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        other = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        got = await exchange(world, one + other + one, answers=3)
        statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"404", b"200"]


async def test_a_request_cut_into_pieces_is_understood(tmp_path):
    async with running_world(tmp_path) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(world.psp_url.rpartition(":")[2]))
        for byte in b"GET /healthz?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            writer.write(bytes((byte,)))
            await writer.drain()
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_what_is_not_http_is_refused_and_loses_its_connection(tmp_path):
    async with running_world(tmp_path) as world:
        got = await exchange(world, b"\x16\x03\x01\x00\xff\r\n\r\n", answers=2)
        assert got.startswith(b"HTTP/1.0 400")


async def test_a_body_beyond_the_bound_is_refused(tmp_path):
    async with running_world(tmp_path) as world:
        too_much = io.BytesIO(b"x" * 1_200_000)
        async with world.http.post(f"{world.psp_url}/v1/payments", data=too_much) as answer:
            assert answer.status == 413
        await call(world, "GET", f"{world.psp_url}/healthz", expect=200)


async def test_a_wrong_method_and_a_broken_body_are_refused(tmp_path):
    async with running_world(tmp_path) as world:
        _, refusal = await call(world, "DELETE", f"{world.psp_url}/v1/payments", expect=405)
        assert refusal["error"]["code"] == "method_not_allowed"
        async with world.http.post(f"{world.psp_url}/v1/payments", data=b"{") as answer:
            assert answer.status == 400
