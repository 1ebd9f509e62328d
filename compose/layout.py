"""Where a stack keeps everything it writes: one state directory, one cache, one port base."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compose import ports, privileges, stack
from compose.operator_error import OperatorError

SOCKET_PATH_BYTES_MAX: Final = 100
FORK_SOCKET_BYTES: Final = len("/pymp-12345678/listener-12345678")
SYSTEM_HOME: Final = Path("/var/lib/shopstream")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths and ports of one stack; nothing is created by making one."""

    home: Path
    cache: Path
    port_base: int

    @property
    def engines(self) -> Path:
        return self.home / "engines"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def spans(self) -> Path:
        return self.home / "spans"

    @property
    def world(self) -> Path:
        return self.home / "world"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def drills(self) -> Path:
        """One folder for each drill."""
        return self.home / "drills"

    @property
    def overlay_file(self) -> Path:
        return self.home / "overlay.json"

    @property
    def controls_file(self) -> Path:
        """Where the fault harness leads connections and puts clocks; see shared.fault_controls."""
        return self.home / "controls.json"

    @property
    def faults(self) -> Path:
        """One file for each fault that is on."""
        return self.home / "faults"

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.json"

    @property
    def compose_env_file(self) -> Path:
        """What fills the compose file: secrets, ports and whose containers they are."""
        return self.home / "compose.env"

    @property
    def stack_file(self) -> Path:
        return self.home / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.home / "lock"

    @property
    def exclusive_file(self) -> Path:
        """Locked by who breaks or repairs the fleet, which only one may do at a time."""
        return self.home / "exclusive"

    @property
    def socket_file(self) -> Path:
        """The control socket; a home too deep for a unix socket path gets one in the runtime directory."""
        plain = self.home / "supervisor.sock"
        if len(os.fsencode(plain)) <= SOCKET_PATH_BYTES_MAX:
            return plain
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp"))  # noqa: S108 -- named by the home's digest
        return runtime / f"shopstream-{privileges.path_digest(self.home)}.sock"

    @property
    def forks(self) -> Path | None:
        """Where the fork parent listens; None, the machine's temporary directory, when the home is too deep."""
        plain = self.home / "forks"
        return plain if len(os.fsencode(plain)) + FORK_SOCKET_BYTES <= SOCKET_PATH_BYTES_MAX else None

    def port(self, name: str) -> int:
        """The port of an engine or simulator by its name in ports.OFFSETS, or of a service in the stack definition.

        Raises OperatorError `stack.unknown`.
        """
        if name in ports.OFFSETS:
            return ports.port_of(self.port_base, name)
        offset = stack.load().get(name).port
        assert offset is not None, f"{name} is no service"
        return self.port_base + offset

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"


def default_home() -> Path:
    """$SHOPSTREAM_HOME, else the XDG state directory, else (root under a closed home) /var/lib/shopstream."""
    if named := os.environ.get("SHOPSTREAM_HOME"):
        return Path(named).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME")
    home = (Path(state) if state else Path.home() / ".local" / "state") / "shopstream"
    if os.geteuid() == 0 and not privileges.can_enter(home, privileges.unprivileged_uid()):
        return SYSTEM_HOME
    return home


def default_cache() -> Path:
    """$SHOPSTREAM_CACHE, else the XDG cache directory."""
    if named := os.environ.get("SHOPSTREAM_CACHE"):
        return Path(named).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "shopstream"


def make_directories(layout: Layout) -> None:
    """Create the state directory.

    Raises OperatorError `home.unwritable` when it cannot be written.
    """
    try:
        for path in (layout.home, layout.engines, layout.logs, layout.spans, layout.world, layout.runs, layout.faults):
            path.mkdir(parents=True, exist_ok=True)
        # root's engines run as somebody else, who has to pass through (not list) the home
        layout.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        layout.engines.chmod(0o711 if os.geteuid() == 0 else 0o700)
        probe = layout.home / ".writable"
        probe.write_text("x" * 4096)
        probe.unlink()
    except OSError as error:
        raise OperatorError(
            "home.unwritable",
            f"The state directory {layout.home} cannot be written: {error.strerror or error}.",
            mend="Free or choose another place: SHOPSTREAM_HOME=/path/with/room shopctl up.",
        ) from error
