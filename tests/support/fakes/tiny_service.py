"""A service small enough to start anywhere: answers readiness, tells what it was given, and can be told to fail."""

import asyncio
import json
import os
import signal
import sys


def run(package: str) -> None:
    """Serve on SHOPSTREAM_PORT until SIGTERM, the way shared.service.run does."""
    asyncio.run(_serve(package))


def run_world(environ: dict[str, str]) -> None:
    asyncio.run(_serve("world", int(environ["SHOPSTREAM_CATCHER_PORT"])))


def exit_at_once(package: str) -> None:
    sys.stderr.write(f"{package} has nothing to live for\n")
    sys.exit(7)


async def _serve(name: str, port: int | None = None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status, body = _answer(name, request)
        writer.write(f"HTTP/1.0 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port or int(os.environ["SHOPSTREAM_PORT"]))
    sys.stdout.write(json.dumps({"event": "tiny_started", "name": name, "trace_id": "t-" + name}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()


def _answer(name: str, path: str) -> tuple[int, str]:
    if path == "/environ":
        return 200, json.dumps(dict(os.environ))
    if os.environ.get("TINY_NOT_READY"):
        return 503, json.dumps({"status": "not_ready", "checks": {"mood": {"ok": False, "detail": "low"}}})
    checks = {"kafka": {"ok": True, "detail": "lag 7"}, "breakers": {"ok": True, "detail": "psp closed"}}
    return 200, json.dumps({"status": "ready", "name": name, "checks": checks})
