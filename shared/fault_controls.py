"""Where this process's connections go, what time it thinks it is and where it dies, as the fault harness has it.

Drills only; refused in production. A connection is looked up once, when it is made, and a byte never. Whoever changes
the file asks for it to be read again, which cuts the connections that would now be made elsewhere.
"""

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

import msgspec
import uvloop

from shared import crash_points
from shared.clock import Clock, SystemClock
from shared.settings import ServiceSettings

Address = tuple[str, int]
LOOP_FACTORY = "shared.fault_controls:DetourLoop"


class ControlsRefusedError(Exception):
    """The controls cannot be applied: production, malformed, or a loop that knows no detours."""


class ServiceControls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`detours` gives, for the host:port that is meant, the one that is connected to instead;
    `dies_at` is a point of `shared.crash_points`.
    """

    detours: dict[str, str] = {}
    clock_offset_s: float = 0.0
    dies_at: str = crash_points.NOWHERE


class ControlsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each service is told; one that is not named is left alone."""

    services: dict[str, ServiceControls] = {}


class OffsetClock:
    """The machine's clock, put forward or back."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


class DetourLoop(uvloop.Loop):
    """An event loop whose new connections can be led elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._detours: dict[Address, Address] = {}
        self._open: WeakSet[Any] = WeakSet()

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        host, port = self._detours.get((host, port), (host, port))
        made: Any = await super().create_connection(protocol_factory, host, port, **options)
        self._open.add(made[0])
        return made

    async def sock_connect(self, sock: Any, address: Any) -> Any:
        instead: Any = self._detours.get(address[:2], address)
        return await super().sock_connect(sock, instead)

    def detour(self, detours: Mapping[Address, Address]) -> int:
        """Lead new connections so; cut those that lead elsewhere now, and give how many."""
        stale = {
            self._detours.get(address, address)
            for address in {*self._detours, *detours}
            if self._detours.get(address) != detours.get(address)
        }
        self._detours = dict(detours)
        cut = [transport for transport in self._open if transport.get_extra_info("peername") in stale]
        for transport in cut:
            transport.abort()
        return len(cut)


class FaultControls:
    """The controls of one process. In production there are none, and naming any is refused."""

    def __init__(self, config: ServiceSettings) -> None:
        self._config = config
        self._clock = OffsetClock()
        self.clock: Clock = SystemClock() if config.is_production else self._clock

    def apply(self) -> int:
        """Read the file and obey it from now on; gives how many connections that cut. Raises ControlsRefusedError."""
        controls = self._read()
        self._clock.offset = timedelta(seconds=controls.clock_offset_s)
        crash_points.arm(controls.dies_at)
        detours = {
            address: _numeric(instead) for meant, instead in controls.detours.items() for address in _spellings(meant)
        }
        loop = asyncio.get_running_loop()
        if isinstance(loop, DetourLoop):
            return loop.detour(detours)
        if detours:
            raise ControlsRefusedError(f"detours need the {DetourLoop.__name__}, this is {type(loop).__name__}")
        return 0

    def _read(self) -> ServiceControls:
        path = Path(self._config.controls_file)
        if not self._config.controls_file or not path.exists():
            return ServiceControls()
        try:
            known = msgspec.json.decode(path.read_bytes(), type=ControlsFile)
        except (OSError, msgspec.MsgspecError) as error:
            raise ControlsRefusedError(f"fault controls {path} cannot be read: {error}") from error
        if known.services and self._config.is_production:
            raise ControlsRefusedError(
                f"fault controls {path} name services; faults are refused when SHOPSTREAM_ENV=production"
            )
        return known.services.get(self._config.service, ServiceControls())


def _spellings(text: str) -> set[Address]:
    """An address as it is written and as it is resolved: some clients connect to the one, some to the other."""
    host, _, port = text.rpartition(":")
    return {(host, int(port)), *_resolved(host, int(port))}


def _numeric(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return min(_resolved(host, int(port)))


def _resolved(host: str, port: int) -> set[Address]:
    """Looked up while everything else waits: drills only, and names of the stack's own network."""
    try:
        found = socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ControlsRefusedError(f"nobody knows where {host} is: {error}") from error
    return {(str(where[0]), int(where[1])) for *_, where in found}
