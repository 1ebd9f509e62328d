"""The world as one process, and as an object that tests start inside their own loop."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

import uvloop

from scenarios.world.carrier.api import CarrierApi
from scenarios.world.carrier.simulator import CarrierSimulator
from scenarios.world.exchange import Exchange
from scenarios.world.faults.links import FaultLinks
from scenarios.world.http_api import HttpServer, Routes
from scenarios.world.mail.api import MailApi
from scenarios.world.mail.catcher import MailCatcher
from scenarios.world.mail.mailpit import Mailpit
from scenarios.world.messages import MessageSink
from scenarios.world.psp.api import PspApi
from scenarios.world.psp.provider import Provider
from scenarios.world.settings import WorldSettings, read
from shared import logging_setup

if TYPE_CHECKING:
    from scenarios.world.tap import Tap

_log = logging.getLogger("scenarios.world")


class World:
    """Every simulator on its own port. Start it once, stop it once; a new one on the same folder goes on."""

    def __init__(self, settings: WorldSettings) -> None:
        """Rebuilds all state from the journals. Raises JournalInUseError, JournalDamagedError."""
        self.settings = settings
        self.psp = Provider(
            settings.folder, webhook_url=settings.psp_webhook_url, signing_secret=settings.webhook_secret
        )
        self.carrier = CarrierSimulator(
            settings.folder, webhook_url=settings.carrier_webhook_url, signing_secret=settings.webhook_secret
        )
        self.exchange = Exchange(settings.folder)
        self.mail = MailCatcher(settings.folder)
        self.messages = MessageSink(settings.folder)
        self.faults = FaultLinks(settings.folder, host=settings.host, ports=settings.link_ports)
        self._mailpit = Mailpit(settings.mailpit_url, self.mail) if settings.mailpit_url else None
        self.tap = self._tap() if settings.kafka_bootstrap else None
        self._psp_server = HttpServer("psp", [*PspApi(self.psp).routes(), *self.exchange.routes()])
        self._carrier_server = HttpServer("carrier", CarrierApi(self.carrier).routes())
        self._catcher_server = HttpServer("catcher", self._catcher_routes())
        self._faults_server = HttpServer("faults", self.faults.routes())

    @property
    def psp_url(self) -> str:
        return self._url(self._psp_server.port)

    @property
    def carrier_url(self) -> str:
        return self._url(self._carrier_server.port)

    @property
    def smtp_url(self) -> str:
        return f"smtp://{self.settings.host}:{self.mail.port}"

    @property
    def catcher_url(self) -> str:
        """Mails, SMS, push and the tap."""
        return self._url(self._catcher_server.port)

    @property
    def faults_url(self) -> str:
        return self._url(self._faults_server.port)

    async def start(self) -> None:
        """Listen on every port, take up what was owed. Raises OSError when a port is taken."""
        settings = self.settings
        try:
            await self.faults.start()
            await self._faults_server.start(settings.host, settings.fault_api_port)
            await self._psp_server.start(settings.host, settings.psp_port)
            await self._carrier_server.start(settings.host, settings.carrier_port)
            await self.mail.start(settings.host, settings.smtp_port)
            await self._catcher_server.start(settings.host, settings.catcher_port)
        except BaseException:
            await self.stop()
            raise
        self.psp.webhooks.start()
        self.carrier.start()
        if self._mailpit is not None:
            self._mailpit.start()
        if self.tap is not None:
            self.tap.start()

    async def stop(self) -> None:
        """Close everything; safe to repeat."""
        for server in (self._psp_server, self._carrier_server, self._catcher_server, self._faults_server):
            await server.stop()
        await self.psp.stop()
        await self.carrier.stop()
        if self._mailpit is not None:
            await self._mailpit.stop()
        await self.mail.stop()
        await self.faults.stop()
        if self.tap is not None:
            await self.tap.stop()
        self.messages.close()
        self.exchange.close()

    def _tap(self) -> "Tap":
        # Imported here: without a broker to tap nobody should pay for the client.
        from scenarios.world.tap import Tap  # noqa: PLC0415

        return Tap(self.settings.folder, bootstrap=self.settings.kafka_bootstrap, pattern=self.settings.tap_pattern)

    def _catcher_routes(self) -> Routes:
        tap: Routes = () if self.tap is None else self.tap.routes()
        return [*MailApi(self.mail).routes(), *self.messages.routes(), *tap]

    def _url(self, port: int) -> str:
        return f"http://{self.settings.host}:{port}"


def run(environ: Mapping[str, str]) -> None:
    """Run the world until SIGTERM or SIGINT. Raises InvalidWorldSettingsError, OSError, JournalInUseError."""
    logging_setup.configure("world", "world")
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    uvloop.run(_serve(read(environ)))


async def _serve(settings: WorldSettings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    world = World(settings)
    await world.start()
    _log.info(
        "world ready: psp %s carrier %s smtp %s catcher %s faults %s",
        world.psp_url,
        world.carrier_url,
        world.smtp_url,
        world.catcher_url,
        world.faults_url,
    )
    try:
        await ended.wait()
    finally:
        await world.stop()
