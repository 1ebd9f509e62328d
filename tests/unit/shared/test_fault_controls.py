"""Connections led elsewhere, and clocks put wrong: at a start, when asked, and never in production."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest
from aiohttp import web

from shared.fault_controls import ControlsRefusedError, DetourLoop, FaultControls
from shared.settings import ServiceSettings


def settings(path, **changes):
    given = {"service": "orders", "internal_secret": "x" * 40, "controls_file": str(path), **changes}
    return ServiceSettings(**given)


def write(path, **orders):
    path.write_bytes(msgspec.json.encode({"services": {"orders": orders}}))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "controls.json"


@asynccontextmanager
async def speaker(word):
    """A server that says its word to everybody, and its port."""

    async def speak(reader, writer):
        writer.write(word)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def connected(port):
    """The word that is said at this port, and who says it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield await reader.readexactly(1), reader
    finally:
        writer.close()


def on_detour_loop(test):
    def run(file):
        with asyncio.Runner(loop_factory=DetourLoop) as runner:
            runner.run(test(file))

    run.__name__ = test.__name__
    return run


@on_detour_loop
async def test_a_detour_cuts_what_led_elsewhere_leads_what_is_new_and_ends(file):
    async with speaker(b"a") as meant, speaker(b"b") as proxy:
        controls = FaultControls(settings(file))
        assert controls.apply() == 0
        async with connected(meant) as (word, reader):
            assert word == b"a"
            write(file, detours={f"127.0.0.1:{meant}": f"127.0.0.1:{proxy}"})
            assert controls.apply() == 1
            assert await reader.read() == b""
        async with connected(meant) as (word, reader):
            assert word == b"b"
            assert controls.apply() == 0
            file.unlink()
            assert controls.apply() == 1
            assert await reader.read() == b""
        async with connected(meant) as (word, _):
            assert word == b"a"


@on_detour_loop
async def test_other_connections_are_left_alone(file):
    async with speaker(b"a") as meant, speaker(b"b") as other, connected(other):
        write(file, detours={f"127.0.0.1:{meant}": f"127.0.0.1:{other}"})
        assert FaultControls(settings(file)).apply() == 0


@on_detour_loop
async def test_http_clients_take_detours_too(file):
    async def say(_):
        return web.Response(text="b")

    application = web.Application()
    application.router.add_get("/", say)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    write(file, detours={"127.0.0.1:1": f"127.0.0.1:{runner.addresses[0][1]}"})
    FaultControls(settings(file)).apply()
    async with aiohttp.ClientSession() as http, http.get("http://127.0.0.1:1/") as answer:
        assert await answer.text() == "b"
    await runner.cleanup()


@on_detour_loop
async def test_a_clock_goes_wrong_and_right_again(file):
    controls = FaultControls(settings(file))
    write(file, clock_offset_s=-3_600)
    controls.apply()
    assert timedelta(minutes=59) < datetime.now(UTC) - controls.clock.now() < timedelta(minutes=61)
    file.unlink()
    controls.apply()
    assert abs(datetime.now(UTC) - controls.clock.now()) < timedelta(minutes=1)


@on_detour_loop
async def test_production_refuses(file):
    write(file, clock_offset_s=5)
    with pytest.raises(ControlsRefusedError):
        FaultControls(settings(file, env="production")).apply()


@on_detour_loop
async def test_a_file_that_is_none_is_refused(file):
    file.write_text("{")
    with pytest.raises(ControlsRefusedError):
        FaultControls(settings(file)).apply()


async def test_a_loop_that_knows_no_detours_refuses_them(file):
    write(file, detours={"127.0.0.1:1": "127.0.0.1:2"})
    with pytest.raises(ControlsRefusedError):
        FaultControls(settings(file)).apply()
