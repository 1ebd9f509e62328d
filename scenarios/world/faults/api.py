"""The Toxiproxy JSON API over our proxies. Every change is journalled and outlives a restart of the world."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from scenarios.world.faults.proxy import FaultProxy, ProxyWire, address_of
from scenarios.world.faults.toxics import ToxicChange, ToxicWire, changed, toxic_of, wire_of
from scenarios.world.http_messages import ApiError, Request, Response
from scenarios.world.http_server import Routes
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import FAULTS_JOURNAL, FaultRecord, iterate

VERSION = "2.12.0"
PROXIES_MAX = 100


class ProxyChange(msgspec.Struct):
    """What may change in a proxy."""

    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None


class FaultProxies:
    """All proxies and the API over them."""

    def __init__(self, folder: Path) -> None:
        """Remembers the proxies of the journal in `folder`; `start` opens them. Raises JournalInUseError."""
        self.journal: JournalWriter[FaultRecord] = JournalWriter(folder / FAULTS_JOURNAL)
        self.proxies: dict[str, FaultProxy] = {}
        self._remembered: dict[str, ProxyWire] = {}
        for record in iterate(self.journal.path, FaultRecord):
            if record.kind == "deleted":
                self._remembered.pop(record.proxy, None)
            else:
                self._remembered[record.proxy] = msgspec.json.decode(record.state, type=ProxyWire)

    async def start(self, wanted: list[ProxyWire]) -> None:
        """Open the wanted proxies and those made through the API, with the faults a killed world left.

        Raises ApiError 409 when a port is taken.
        """
        for wire in wanted:
            known = self._remembered.pop(wire.name, None)
            if known is not None and (known.listen, known.upstream) == (wire.listen, wire.upstream):
                await self._open(known)
            else:
                await self._populate(wire)
        for wire in self._remembered.values():
            await self._open(wire)

    async def stop(self) -> None:
        """Close every proxy; an orderly stop heals, only a kill leaves faults. Safe to repeat."""
        for proxy in self.proxies.values():
            if proxy.toxics or not proxy.enabled:
                healthy = ProxyWire(name=proxy.name, listen=proxy.listen, upstream=proxy.upstream)
                self._journal("reset", healthy)
            await proxy.stop()
        self.proxies.clear()
        self.journal.close()

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        routes = Routes()
        for method, template, handler in (
            ("GET", "/version", self.version),
            ("POST", "/reset", self.reset),
            ("POST", "/populate", self.populate),
            ("GET", "/proxies", self.list),
            ("POST", "/proxies", self.create),
            ("GET", "/proxies/{proxy}", self.show),
            ("POST", "/proxies/{proxy}", self.update),
            ("PATCH", "/proxies/{proxy}", self.update),
            ("DELETE", "/proxies/{proxy}", self.delete),
            ("GET", "/proxies/{proxy}/toxics", self.list_toxics),
            ("POST", "/proxies/{proxy}/toxics", self.create_toxic),
            ("GET", "/proxies/{proxy}/toxics/{toxic}", self.show_toxic),
            ("POST", "/proxies/{proxy}/toxics/{toxic}", self.update_toxic),
            ("PATCH", "/proxies/{proxy}/toxics/{toxic}", self.update_toxic),
            ("DELETE", "/proxies/{proxy}/toxics/{toxic}", self.delete_toxic),
        ):
            routes.add(method, template, _as_toxiproxy(handler))
        return routes

    async def version(self, _: Request) -> Response:
        """Which API this is, and the real server where this machine has one."""
        drop_in = shutil.which("toxiproxy-server")
        return Response.json({"version": VERSION, "implementation": "shopstream", "drop_in": drop_in})

    async def reset(self, _: Request) -> Response:
        """Enable every proxy and remove every toxic."""
        for proxy in self.proxies.values():
            await proxy.start()
            proxy.set_toxics(())
            self._note("reset", proxy)
        return Response.empty()

    async def populate(self, request: Request) -> Response:
        """Create a list of proxies; an equal one is kept as it is, another of the same name replaced."""
        made = [await self._populate(wire) for wire in request.json(list[ProxyWire])]
        return Response.json({"proxies": [proxy.wire() for proxy in made]}, status=201)

    async def list(self, _: Request) -> Response:
        return Response.json({name: proxy.wire() for name, proxy in self.proxies.items()})

    async def create(self, request: Request) -> Response:
        """201 with the proxy; a name can be given once."""
        wire = request.json(ProxyWire)
        if wire.name in self.proxies:
            raise ApiError(409, "proxy_already_exists", "proxy already exists")
        proxy = await self._open(wire)
        self._note("created", proxy)
        return Response.json(proxy.wire(), status=201)

    async def show(self, request: Request) -> Response:
        return Response.json(self._proxy(request).wire())

    async def update(self, request: Request) -> Response:
        """Change addresses (cuts connections) or take the proxy down and up."""
        proxy = self._proxy(request)
        change = request.json(ProxyChange)
        listen = change.listen or proxy.listen
        upstream = change.upstream or proxy.upstream
        enabled = proxy.enabled if change.enabled is None else change.enabled
        if (listen, upstream) != (proxy.listen, proxy.upstream):
            wire = proxy.wire()
            wire.listen, wire.upstream = listen, upstream
            await proxy.stop()
            proxy = await self._open(wire)
        if enabled:
            await proxy.start()
        else:
            await proxy.stop()
        self._note("updated", proxy)
        return Response.json(proxy.wire())

    async def delete(self, request: Request) -> Response:
        """Close a proxy for good."""
        proxy = self._proxy(request)
        await proxy.stop()
        del self.proxies[proxy.name]
        self._note("deleted", proxy)
        return Response.empty()

    async def list_toxics(self, request: Request) -> Response:
        return Response.json([wire_of(toxic) for toxic in self._proxy(request).toxics.values()])

    async def create_toxic(self, request: Request) -> Response:
        """Add a toxic; open connections feel it at once."""
        proxy = self._proxy(request)
        toxic = toxic_of(request.json(ToxicWire))
        if toxic.name in proxy.toxics:
            raise ApiError(409, "toxic_already_exists", "toxic already exists")
        proxy.set_toxics((*proxy.toxics.values(), toxic))
        self._note("toxic_added", proxy)
        return Response.json(wire_of(toxic))

    async def show_toxic(self, request: Request) -> Response:
        proxy = self._proxy(request)
        return Response.json(wire_of(proxy.toxics[_toxic_name(request, proxy)]))

    async def update_toxic(self, request: Request) -> Response:
        """Change attributes or toxicity; the attributes not named stay."""
        proxy = self._proxy(request)
        name = _toxic_name(request, proxy)
        toxic = changed(proxy.toxics[name], request.json(ToxicChange))
        proxy.set_toxics([toxic if it.name == name else it for it in proxy.toxics.values()])
        self._note("toxic_updated", proxy)
        return Response.json(wire_of(toxic))

    async def delete_toxic(self, request: Request) -> Response:
        """Heal."""
        proxy = self._proxy(request)
        name = _toxic_name(request, proxy)
        proxy.set_toxics([it for it in proxy.toxics.values() if it.name != name])
        self._note("toxic_removed", proxy)
        return Response.empty()

    def _proxy(self, request: Request) -> FaultProxy:
        try:
            return self.proxies[request.parameters["proxy"]]
        except KeyError:
            raise ApiError(404, "proxy_not_found", "proxy not found") from None

    async def _populate(self, wire: ProxyWire) -> FaultProxy:
        known = self.proxies.get(wire.name)
        if known is not None:
            same_port = address_of(wire.listen)[1] in {0, known.port}
            if same_port and known.upstream == wire.upstream:
                return known
            await known.stop()
        proxy = await self._open(wire)
        self._note("populated", proxy)
        return proxy

    async def _open(self, wire: ProxyWire) -> FaultProxy:
        if not wire.name or not wire.upstream:
            missing = "upstream" if wire.name else "name"
            raise ApiError(400, "missing_required_field", f"missing required field: {missing}")
        if wire.name not in self.proxies and len(self.proxies) >= PROXIES_MAX:
            raise ApiError(409, "too_many_proxies", f"at most {PROXIES_MAX} proxies")
        proxy = FaultProxy(wire.name, wire.listen, wire.upstream)
        proxy.set_toxics([toxic_of(toxic) for toxic in wire.toxics])
        if wire.enabled:
            await proxy.start()
        self.proxies[wire.name] = proxy
        return proxy

    def _note(self, kind: str, proxy: FaultProxy) -> None:
        self._journal(kind, proxy.wire())

    def _journal(self, kind: str, wire: ProxyWire) -> None:
        state = msgspec.Raw(msgspec.json.encode(wire))
        self.journal.append(FaultRecord(kind=kind, proxy=wire.name, state=state))


def _toxic_name(request: Request, proxy: FaultProxy) -> str:
    name = request.parameters["toxic"]
    if name not in proxy.toxics:
        raise ApiError(404, "toxic_not_found", "toxic not found")
    return name


def _as_toxiproxy(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Refusals in Toxiproxy's form, so that its clients understand them."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as refusal:
            body = {"error": refusal.detail, "status": refusal.status}
            return Response.json(body, status=refusal.status)

    return answer
