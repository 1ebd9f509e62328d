"""Which port every process of a stack listens on: fixed offsets from one base.

Engines and world are named here, services in the stack definition. Two stacks with different bases and homes run side
by side.
"""

import contextlib
import errno
import socket
from collections.abc import Mapping
from typing import Final

import psutil

from compose.operator_error import OperatorError

DEFAULT_BASE: Final = 8000
BASE_STEP: Final = 200
BASES_TRIED_MAX: Final = 40
PORT_MAX: Final = 65_535
LOOPBACK: Final = "127.0.0.1"

SERVICE_OFFSETS: Final = range(30)
EXTRA_INSTANCE_OFFSETS: Final = range(30, 60)
ENGINE_OFFSETS: Final = {
    "postgres": 100,
    "redis": 101,
    "kafka": 102,
    "kafka-controller": 103,
    "elasticsearch": 104,
    "elasticsearch-transport": 105,
}
WORLD_OFFSETS: Final = {
    "psp": 110,
    "carrier": 111,
    "smtp": 112,
    "catcher": 113,
    "fault-api": 114,
}
OFFSETS: Final[dict[str, int]] = {**ENGINE_OFFSETS, **WORLD_OFFSETS}
HIGHEST_OFFSET: Final = 139


def port_of(base: int, name: str) -> int:
    """The port of an engine or of a part of the world in the stack with this base."""
    return base + OFFSETS[name]


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def taken(base: int, offsets: Mapping[str, int]) -> dict[str, int]:
    """The names whose ports, `offsets` from the base, somebody else holds, with the port."""
    return {name: base + offset for name, offset in offsets.items() if not is_free(base + offset)}


def holder_of(port: int) -> tuple[int, str] | None:
    """Pid and name of the process listening on a TCP port, where this user may see it."""
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            with contextlib.suppress(psutil.Error):  # gone by now
                return connection.pid, psutil.Process(connection.pid).name()
    return None


def choose_base(asked: int | None, offsets: Mapping[str, int]) -> int:
    """The port base to use: the one asked for, else the default, else the next free one.

    Raises OperatorError `port.taken` when the operator asked for a base that is not free.
    """
    if asked is not None:
        refuse_taken(asked, offsets)
        return asked
    for step in range(BASES_TRIED_MAX):
        base = DEFAULT_BASE + step * BASE_STEP
        if not taken(base, offsets):
            return base
    raise OperatorError(
        "port.none_free",
        f"No free port base between {DEFAULT_BASE} and {DEFAULT_BASE + BASES_TRIED_MAX * BASE_STEP}.",
        mend="Name a free one: shopctl up --port-base 30000.",
    )


def refuse_taken(base: int, offsets: Mapping[str, int]) -> None:
    """Raise OperatorError `port.taken` naming the first taken port and, if known, its holder."""
    if not 1024 <= base <= PORT_MAX - HIGHEST_OFFSET:
        raise OperatorError(
            "port.range",
            f"Port base {base} is outside 1024 to {PORT_MAX - HIGHEST_OFFSET}.",
            mend="Choose another: shopctl up --port-base 8000.",
            exit_code=2,
        )
    for name, port in taken(base, offsets).items():
        raise taken_error(port, name, base)


def taken_error(port: int, name: str, base: int) -> OperatorError:
    """The refusal to start `name` where somebody else listens."""
    holder = holder_of(port)
    by = f" by pid {holder[0]} ({holder[1]})" if holder else ""
    return OperatorError(
        "port.taken",
        f"Port {port}, wanted for {name}, is taken{by}.",
        mend=f"Stop that process, or choose other ports: shopctl up --port-base {base + BASE_STEP}.",
    )
