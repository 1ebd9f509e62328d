"""The part of Mailpit that this project uses: SMTP on 1025, and of its HTTP API on 8025 what the world reads."""

import sys
from http.client import HTTPConnection

if sys.argv[1:] == ["readyz"]:  # asked often: before anything is imported that costs
    connection = HTTPConnection("127.0.0.1", 8025, timeout=2)
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != 200)

import asyncio
import email.utils
import json
import uuid
from email.parser import BytesHeaderParser
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP

DATA = Path("/data")
PAGE_MAX = 50


class Kept:
    """Mails on disk, newest last; a kill forgets none that was answered."""

    def __init__(self) -> None:
        self.messages = [json.loads(line) for line in self._index.open()] if self._index.exists() else []

    @property
    def _index(self) -> Path:
        return DATA / "index.jsonl"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 -- aiosmtpd's
        headers = BytesHeaderParser().parsebytes(envelope.content)
        message = {
            "ID": uuid.uuid4().hex[:22],
            "From": {"Address": envelope.mail_from},
            "To": [{"Address": address} for _, address in email.utils.getaddresses(headers.get_all("To", []))],
            "Subject": headers.get("Subject", ""),
        }
        (DATA / message["ID"]).write_bytes(envelope.content)
        with self._index.open("a") as file:
            file.write(json.dumps(message) + "\n")
        self.messages.append(message)
        return "250 2.0.0 Ok: queued"

    async def list(self, request: web.Request) -> web.Response:
        start, limit = (int(request.query.get(name, value)) for name, value in (("start", 0), ("limit", PAGE_MAX)))
        newest = self.messages[::-1]
        return web.json_response({"total": len(newest), "messages": newest[start : start + limit]})

    async def raw(self, request: web.Request) -> web.Response:
        return web.Response(body=(DATA / request.match_info["id"]).read_bytes(), content_type="text/plain")


async def serve() -> None:
    kept = Kept()
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(kept, hostname="mailpit", loop=loop, enable_SMTPUTF8=True), "0.0.0.0", 1025)  # noqa: S104
    application = web.Application()
    application.router.add_get("/readyz", lambda _: web.Response(text="ok"))
    application.router.add_get("/api/v1/messages", kept.list)
    application.router.add_get("/api/v1/message/{id}/raw", kept.raw)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 8025).start()  # noqa: S104
    await asyncio.Event().wait()


asyncio.run(serve())
