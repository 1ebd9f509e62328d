"""Every service of the stack on ports of this process, behind a gateway that counts but does not limit."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from compose import stack
from svc.gateway.settings import Settings
from tests.support.engines import EngineUrls
from tests.support.paying import psp_world
from tests.support.probes import SETTINGS
from tests.support.searching import delete_indexes
from tests.support.services import Served, served, topics, until
from tests.support.world import point_webhooks_at

UNLIMITED = "100000000/60/100000000"
"""What is limited an attacker does not get to see; the limits have attacks of their own."""


@asynccontextmanager
async def whole_shop(engines: EngineUrls, prefix: str, **overlay: str) -> AsyncIterator[dict[str, Served]]:
    """All of them by name, once the gateway knows each. `overlay` are settings of every service."""
    limits = {name: UNLIMITED for name in Settings.__struct_fields__ if name.startswith("limit_")}
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(topics(engines, prefix))
        opened.push_async_callback(delete_indexes, engines.elasticsearch, f"{prefix}products-v*")
        folder = Path(opened.enter_context(TemporaryDirectory()))
        world = await opened.enter_async_context(psp_world(folder))
        running: dict[str, Served] = {}
        for service in stack.load().services:
            settings = {**SETTINGS.get(service.name, {}), **overlay, **(limits if service.name == "gateway" else {})}
            if service.name == "payments":
                settings["psp_url"] = world.psp_url
            running[service.name] = await opened.enter_async_context(
                served(engines, service.name, prefix=prefix, **settings)
            )
        point_webhooks_at(world, running["gateway"].url)
        await until(lambda: _all_known(running), deadline_s=60.0)
        yield running


async def _all_known(running: dict[str, Served]) -> bool:
    status, body = await running["gateway"].call("GET", "/api/v1/status", anonymous=True)
    return status == 200 and {one["name"] for one in body["services"] if one["status"] == "ok"} >= (
        running.keys() - {"gateway"}
    )
