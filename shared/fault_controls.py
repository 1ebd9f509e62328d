"""Where this process's connections go, what time it thinks it is and where it dies, as the fault harness has it.

Drills only; refused in production. A connection is looked up once, when it is made, and a byte never. Whoever changes
the file asks for it to be read again, which cuts the connections that would now be made elsewhere.
"""

import asyncio
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
    """`detours` gives, for the host:port that is meant, the port of the same host that is connected to instead;
    `dies_at` is a point of `shared.crash_points`.
    """

    detours: dict[str, int] = {}
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
    """An event loop whose new connections can be led to another port."""

    def __init__(self) -> None:
        super().__init__()
        self._detours: dict[Address, int] = {}
        self._open: WeakSet[Any] = WeakSet()

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        made: Any = await super().create_connection(
            protocol_factory, host, self._detours.get((host, port), port), **options
        )
        self._open.add(made[0])
        return made

    async def sock_connect(self, sock: Any, address: Any) -> Any:
        return await super().sock_connect(sock, (address[0], self._detours.get(address[:2], address[1])))

    def detour(self, detours: Mapping[Address, int]) -> int:
        """Lead new connections so; cut those that lead elsewhere now, and give how many."""
        stale = {
            (address[0], self._detours.get(address, address[1]))
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
        detours = {_address(meant): port for meant, port in controls.detours.items()}
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


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)
