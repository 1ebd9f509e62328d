"""Redis (or Valkey) on loopback, append-only file on, so that kill -9 of the process loses nothing."""

import asyncio
import re
from typing import Final

from compose.engines import providers
from compose.engines.engine import Context, NotReadyError, claim_data, minimal_environ
from compose.process import Command, Process

PROBE_SECONDS_MAX: Final = 2.0
ANSWER_BYTES_MAX: Final = 65_536


class Redis:
    """Cache, locks, limits and queues of the fleet."""

    name: str = "redis"
    ports: tuple[str, ...] = ("redis",)
    ready_seconds_max: float = 60.0

    def __init__(self, context: Context) -> None:
        self._context = context
        self._port = context.layout.port("redis")
        self._home = context.home(self.name)
        self._provider: providers.Provider | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    async def prepare(self) -> None:
        self._provider = await asyncio.to_thread(providers.redis)
        self._home.mkdir(parents=True, exist_ok=True)
        claim_data(self._home, self._provider.stamp)

    def command(self) -> Command:
        assert self._provider
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": str(self._home),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "maxclients": "1000",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
        }
        argv = [str(self._provider.binary)]
        for name, value in settings.items():
            argv += [f"--{name}", value]
        return Command(
            argv=argv,
            cwd=self._home,
            log=self._context.layout.log(self.name),
            environ=minimal_environ(self._home),
        )

    async def probe(self, process: Process) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(b"PING\r\n")
                    pong = await reader.readline()
                    writer.write(b"INFO server\r\n")
                    info = await reader.read(ANSWER_BYTES_MAX)
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise NotReadyError(str(error)) from error
        if pong != b"+PONG\r\n":
            raise NotReadyError(pong.decode(errors="replace").strip())
        served_by = re.search(rb"process_id:(\d+)", info)
        if not served_by or int(served_by.group(1)) != process.pid:
            raise NotReadyError(f"port {self._port} is answered by another redis")

    def ended(self, *, cleanly: bool) -> None:
        del cleanly

    def describe(self) -> str:
        assert self._provider
        return f"{self._provider.name} {self._provider.version}"
