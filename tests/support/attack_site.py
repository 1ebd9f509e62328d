"""The services of a test as attackers see them: the other of the two sites on which the attack suite is played."""

import io
import json
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from compose import stack
from scenarios.probes.grounds import Grounds
from shared import webhook_signatures
from shared.fault_overlay import OverlayFile, PlantedDefect
from shared.identity import InternalTokens, operator_principal
from tests.support.engines import EngineUrls
from tests.support.paying import psp_world
from tests.support.searching import delete_indexes
from tests.support.services import INTERNAL_SECRET, WEBHOOK_SECRET, Served, served, topics, until
from tests.support.world import point_webhooks_at
from tests.support.written_log import written_log

ORDER = tuple(service.name for service in stack.load().services)


class ServedSite:
    """Some services of the stack, the gateway among them, each on its own port of this process."""

    def __init__(self, running: dict[str, Served], log: io.StringIO) -> None:
        self.running = running
        self._log = log

    def url(self, name: str) -> str:
        return self.running[name].url

    async def call(self, service: str, method: str, path: str, *, json: object = None) -> Any:
        status, body = await self.running[service].call(method, path, json=json)
        assert status < 300, (method, path, status, body)
        return body

    def internal_token(self, service: str, *, age_s: float = 0.0) -> str:
        return InternalTokens(INTERNAL_SECRET, now=lambda: time.time() - age_s).mint(operator_principal(), service)

    def signed(self, body: bytes, *, age_s: float = 0.0) -> str:
        return webhook_signatures.sign(WEBHOOK_SECRET, body, at=int(time.time() - age_s))

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[Any]:
        connection = await asyncpg.connect(self.running[service].settings.database_url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def written(self, text: str) -> bool:
        return text in self._log.getvalue()

    async def logged(self, service: str, trace_ids: Collection[str]) -> bool:
        """One process, one log: the gateway's lines name the instance that answered, a service's do not."""

        def found() -> bool:
            lines = (json.loads(line) for line in self._log.getvalue().splitlines() if '"request"' in line)
            return any(
                ("target" in line) is (service == "gateway") for line in lines if line.get("trace_id") in trace_ids
            )

        try:
            return await until(found, deadline_s=1.0)
        except TimeoutError:
            return False


@asynccontextmanager
async def attacked(
    engines: EngineUrls, prefix: str, tmp_path: Path, *services: str, defect: str | None = None
) -> AsyncIterator[tuple[ServedSite, Grounds]]:
    """These services, with a defect planted or none, and fresh grounds."""
    overlay = tmp_path / "overlay.json"
    overlay.write_bytes(msgspec.json.encode(OverlayFile((PlantedDefect(defect),) if defect else ())))
    async with AsyncExitStack() as opened:
        log = opened.enter_context(written_log())
        opened.enter_context(redirect_stdout(log))  # the access log of the gateway goes there past the others
        await opened.enter_async_context(topics(engines, prefix))
        if "search" in services:
            opened.push_async_callback(delete_indexes, engines.elasticsearch, f"{prefix}products-v*")
        world = await opened.enter_async_context(psp_world(tmp_path / "world")) if "payments" in services else None
        running: dict[str, Served] = {}
        for name in (name for name in ORDER if name in services):
            settings = {"overlay_file": str(overlay)}
            if name == "payments" and world is not None:
                settings["psp_url"] = world.psp_url
            if name == "shipping" and world is not None:
                settings["carrier_url"] = world.carrier_url
            running[name] = await opened.enter_async_context(served(engines, name, prefix=prefix, **settings))
        if world is not None:
            point_webhooks_at(world, running["gateway"].url)
        site = ServedSite(running, log)
        await until(lambda: _knows_all(running))
        yield site, Grounds(site)


async def _knows_all(running: dict[str, Served]) -> bool:
    """Whether the gateway can reach every one of them."""
    status, body = await running["gateway"].call("GET", "/api/v1/status", anonymous=True)
    well = {service["name"] for service in body["services"] if service["status"] == "ok"} if status == 200 else set()
    return well >= running.keys() - {"gateway"}
