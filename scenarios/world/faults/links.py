"""The fault proxies by name: opened when a link is first wanted, changed and healed over HTTP, gone when closed.

A fault may be given a time, after which the link is healthy again whoever asked for it is still there or not. Every
change is journalled; what a killed world had in force, with the time that is left, its successor takes up.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from scenarios.world.faults.proxy import FaultProxy
from scenarios.world.faults.toxics import Toxic
from scenarios.world.http_api import ApiError, Routes, answer, decoded
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import FAULTS_JOURNAL, FaultRecord, iterate

LINKS_MAX = 100
FAULT_S_MAX = 3_600.0

Seconds = Annotated[float, msgspec.Meta(gt=0, le=FAULT_S_MAX)]


class LinkWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a link shall be from now on: `upstream` is the host:port behind it, `for_s` the time after which it heals."""

    upstream: str
    toxics: tuple[Toxic, ...] = ()
    down: bool = False
    for_s: Seconds | None = None


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How a link is; `heals_at` is a time of the machine's clock, 0 for never."""

    name: str
    listen: str
    upstream: str
    toxics: tuple[Toxic, ...] = ()
    down: bool = False
    heals_at: float = 0.0
    connections: int = 0


class FaultLinks:
    """All links and the API over them."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", ports: Sequence[int] = ()) -> None:
        """Remembers the links of the journal in `folder`; `start` opens them. Raises JournalInUseError.

        They listen on one of `ports`, or on any free one where none are named.
        """
        self._host = host
        self._ports = ports
        self.journal: JournalWriter[FaultRecord] = JournalWriter(folder / FAULTS_JOURNAL)
        self._proxies: dict[str, FaultProxy] = {}
        self._heals: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._remembered: dict[str, LinkState] = {}
        for record in iterate(self.journal.path, FaultRecord):
            if record.kind == "closed":
                self._remembered.pop(record.proxy, None)
            else:
                self._remembered[record.proxy] = msgspec.json.decode(record.state, type=LinkState)

    async def start(self) -> None:
        """Open the links that a killed world left, with their faults. Raises ApiError 409 when a port is taken."""
        for state in self._remembered.values():
            proxy = self._proxies[state.name] = FaultProxy(state.name, state.listen, state.upstream)
            left_s = state.heals_at - time.time() if state.heals_at else None
            if left_s is not None and left_s <= 0:
                await proxy.start()
                self._note("healed", proxy)
                continue
            await self._apply(proxy, state.toxics, down=state.down)
            if left_s is not None:
                self._heal_later(proxy, left_s)

    async def stop(self) -> None:
        """Close every link for good; only a kill leaves faults. Safe to repeat."""
        for name in tuple(self._proxies):
            await self._close(name)
        self.journal.close()

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.get("/links", self.list),
            web.put("/links/{name}", self.change),
            web.delete("/links/{name}", self.close),
        ]

    async def list(self, _: web.Request) -> web.Response:
        """Every open link, healthy ones too."""
        return answer({"items": [self._state(proxy) for proxy in self._proxies.values()]})

    async def change(self, request: web.Request) -> web.Response:
        """Open a link or change it; open connections feel it at once."""
        name, wanted = request.match_info["name"], await decoded(request, LinkWanted)
        proxy = self._proxies.get(name)
        if proxy is None:
            proxy = await self._open(name, wanted.upstream)
        elif proxy.upstream != wanted.upstream:
            raise ApiError(409, "other_upstream", f"{name} leads to {proxy.upstream}")
        self._forget_heal(name)
        await self._apply(proxy, wanted.toxics, down=wanted.down)
        if wanted.for_s is not None:
            self._heal_later(proxy, wanted.for_s)
        self._note("changed", proxy)
        return answer(self._state(proxy))

    async def close(self, request: web.Request) -> web.Response:
        """Cut a link's connections and stop listening; closing what is closed changes nothing."""
        await self._close(request.match_info["name"])
        return web.Response(status=204)

    async def _open(self, name: str, upstream: str) -> FaultProxy:
        if len(self._proxies) >= LINKS_MAX:
            raise ApiError(409, "too_many_links", f"at most {LINKS_MAX} links")
        proxy = FaultProxy(name, f"{self._host}:{self._free_port()}", upstream)
        await proxy.start()
        self._proxies[name] = proxy
        return proxy

    def _free_port(self) -> int:
        if not self._ports:
            return 0
        taken = {int(proxy.listen.rpartition(":")[2]) for proxy in self._proxies.values()}
        free = next((port for port in self._ports if port not in taken), None)
        if free is None:
            raise ApiError(409, "too_many_links", f"at most {len(self._ports)} links, one for each published port")
        return free

    async def _apply(self, proxy: FaultProxy, toxics: tuple[Toxic, ...], *, down: bool) -> None:
        proxy.set_toxics(toxics)
        if down:
            await proxy.stop()
        else:
            await proxy.start()

    async def _close(self, name: str) -> None:
        self._forget_heal(name)
        proxy = self._proxies.pop(name, None)
        if proxy is not None:
            await proxy.stop()
            self._note("closed", proxy)

    def _heal_later(self, proxy: FaultProxy, seconds: float) -> None:
        async def heal() -> None:
            await asyncio.sleep(seconds)
            del self._heals[proxy.name]
            await self._apply(proxy, (), down=False)
            self._note("healed", proxy)

        task = asyncio.get_running_loop().create_task(heal(), name=f"heal {proxy.name}")
        self._heals[proxy.name] = (time.time() + seconds, task)

    def _forget_heal(self, name: str) -> None:
        if name in self._heals:
            self._heals.pop(name)[1].cancel()

    def _state(self, proxy: FaultProxy) -> LinkState:
        return LinkState(
            name=proxy.name,
            listen=proxy.listen,
            upstream=proxy.upstream,
            toxics=proxy.toxics,
            down=not proxy.enabled,
            heals_at=self._heals[proxy.name][0] if proxy.name in self._heals else 0.0,
            connections=proxy.connections,
        )

    def _note(self, kind: str, proxy: FaultProxy) -> None:
        state = msgspec.Raw(msgspec.json.encode(self._state(proxy)))
        self.journal.append(FaultRecord(kind=kind, proxy=proxy.name, state=state))
