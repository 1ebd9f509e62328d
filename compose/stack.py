"""The one definition of the stack, read from stack.toml: what there is, what it needs, when it is ready."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from compose import ports
from compose.operator_error import OperatorError

STACK_FILE: Final = Path(__file__).with_name("stack.toml")
INSTANCES_MAX: Final = 8

Kind = Literal["engine", "world", "service"]


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine, the world, or one service.

    `run` names a function by module and name; `argument` is given to it (`environ` stands for its
    environment). `ready` is the readiness probe of what is not an engine: HTTP 200, host = port name.
    """

    name: str
    kind: Kind
    ports: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    run: str = ""
    argument: str = ""
    ready: str = ""
    database: bool = False

    def ready_url(self, port_base: int, *, port: int | None = None) -> str:
        """The probe's address for the first instance, or for one on another port."""
        parts = urlsplit(self.ready)
        where = ports.port_of(port_base, str(parts.hostname)) if port is None else port
        return parts._replace(netloc=f"{ports.LOOPBACK}:{where}").geturl()


class Stack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every component of the shop, in a start order that respects their dependencies."""

    components: tuple[Component, ...]
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known: set[str] = set()
        for component in self.components:
            for needed in component.depends_on:
                if needed not in known:
                    raise ValueError(f"{component.name} depends on {needed}, which is not defined before it")
            for port in component.ports:
                if port not in ports.OFFSETS:
                    raise ValueError(f"{component.name} uses the unknown port {port}")
            known.add(component.name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(component.name for component in self.components)

    @property
    def services(self) -> tuple[Component, ...]:
        return tuple(component for component in self.components if component.kind == "service")

    def get(self, name: str) -> Component:
        """The component called `name`; raises OperatorError `stack.unknown`."""
        for component in self.components:
            if component.name == name:
                return component
        raise unknown(name, self.names)

    def closure(self, names: Iterable[str]) -> tuple[Component, ...]:
        """The named components and everything they depend on, in start order; all when none is named."""
        wanted = set(names) or set(self.names)
        for name in tuple(wanted):
            self.get(name)
        for component in reversed(self.components):
            if component.name in wanted:
                wanted.update(component.depends_on)
        return tuple(component for component in self.components if component.name in wanted)


def load() -> Stack:
    """Read the definition shipped with the package, or the one SHOPSTREAM_STACK_FILE names (tests)."""
    path = Path(os.environ.get("SHOPSTREAM_STACK_FILE") or STACK_FILE)
    return msgspec.convert(tomllib.loads(path.read_text()), Stack)


def parse_scale(items: Iterable[str], stack: Stack) -> dict[str, int]:
    """`["inventory=2"]` as counts by service. Raises OperatorError `stack.scale` (usage)."""
    counts: dict[str, int] = {}
    for item in items:
        name, _, count = item.partition("=")
        if name not in {service.name for service in stack.services}:
            raise unknown(name, [service.name for service in stack.services])
        counts[name] = check_count(name, int(count) if count.isdigit() else 0)
    return counts


def check_count(name: str, count: int) -> int:
    """A number of instances within bounds; raises OperatorError `stack.scale` (usage)."""
    if not 1 <= count <= INSTANCES_MAX:
        raise OperatorError(
            "stack.scale",
            f"{name} can run 1 to {INSTANCES_MAX} times.",
            mend=f"For example: shopctl up --scale {name}=2.",
            exit_code=2,
        )
    return count


def unknown(name: str, known: Iterable[str]) -> OperatorError:
    return OperatorError(
        "stack.unknown",
        f"There is no {name!r} in this stack.",
        mend=f"Choose from: {', '.join(known)}.",
        exit_code=2,
    )
