"""One named proxy: a listening port, its upstream, its toxics, its connections."""

import asyncio
from collections.abc import Sequence

from scenarios.world.draws import draw
from scenarios.world.faults.connection import ProxiedConnection
from scenarios.world.faults.toxics import Toxic
from scenarios.world.http_api import ApiError

CONNECTIONS_MAX = 2_000


class FaultProxy:
    """Listens while it is enabled; a disabled proxy refuses and has no connections."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        """Raises ApiError 400 for an address that is not host:port."""
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.toxics: tuple[Toxic, ...] = ()
        self._listen = address_of(listen)
        self._upstream = address_of(upstream)
        self._server: asyncio.Server | None = None
        self._connections: set[ProxiedConnection] = set()
        self._accepted = 0

    @property
    def enabled(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def port(self) -> int:
        """The port it listens on, also while it is down."""
        return self._listen[1]

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen; port 0 takes a free one for good. Raises ApiError 409 when the port is taken."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accept, *self._listen, backlog=CONNECTIONS_MAX)
        except OSError as error:
            raise ApiError(409, "cannot_listen", f"listen {self.listen}: {error}") from error
        host = self._listen[0]
        self._listen = (host, int(self._server.sockets[0].getsockname()[1]))
        self.listen = f"{host}:{self.port}"

    async def stop(self) -> None:
        """Refuse new connections and cut the old ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await server.wait_closed()

    def set_toxics(self, toxics: Sequence[Toxic]) -> None:
        """Replace the toxics; open connections feel it at once."""
        self.toxics = tuple(toxics)
        for connection in tuple(self._connections):
            connection.retake_toxics()

    def _accept(self) -> asyncio.Protocol:
        self._accepted += 1
        connection = ProxiedConnection(
            self._upstream, number=self._accepted, toxics=self._toxics_of, gone=self._connections.discard
        )
        self._connections.add(connection)
        return connection.client

    def _toxics_of(self, connection: ProxiedConnection, stream: str) -> list[Toxic]:
        return [
            toxic
            for place, toxic in enumerate(self.toxics)
            if toxic.stream == stream and draw(0, self.name, place, connection.number) < toxic.toxicity
        ]


def address_of(text: str) -> tuple[str, int]:
    """`host:port` taken apart; a bare `:port` means loopback. Raises ApiError 400."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise ApiError(400, "invalid_address", f"{text!r} is not host:port")
    return host.strip("[]") or "127.0.0.1", int(port)
