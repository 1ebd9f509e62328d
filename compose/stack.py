"""The one definition of the stack, read from stack.toml: what there is, what it needs, when it is ready."""

import os
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from compose import ports
from compose.operator_error import OperatorError
from shared import declaration
from shared.declaration import Declaration

STACK_FILE: Final = Path(__file__).with_name("stack.toml")
INSTANCES_MAX: Final = 8

Kind = Literal["engine", "world", "service"]


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine, the world, or one service.

    `run` names a function by module and name; `argument` is given to it (`environ` stands for its
    environment). `ready` is the readiness probe of what is not an engine: HTTP 200, host = port name.
    A service has a `port` of its own, an offset from the base; unless said otherwise its package is `svc.NAME`, and
    it is run and probed as every service is.
    """

    name: str
    kind: Kind
    ports: tuple[str, ...] = ()
    port: int | None = None
    depends_on: tuple[str, ...] = ()
    run: str = ""
    argument: str = ""
    ready: str = ""
    database: bool = False

    def __post_init__(self) -> None:
        if self.kind != "service":
            return
        if self.port not in ports.SERVICE_OFFSETS:
            last = ports.SERVICE_OFFSETS[-1]
            raise ValueError(f"{self.name}: a service needs a port, 0 to {last} from the base")
        derived = {
            "ports": (self.name,),
            "run": "shared.service:run",
            "argument": f"svc.{self.name}",
            "ready": f"http://{self.name}/health/ready",
        }
        for field, value in derived.items():
            if not getattr(self, field):
                msgspec.structs.force_setattr(self, field, value)

    @property
    def package(self) -> str:
        """The Python package of a service."""
        assert self.kind == "service", f"{self.name} is no service"
        return self.argument

    def declaration(self) -> Declaration:
        """What a service declares of itself. Raises OperatorError `stack.no_declaration`."""
        try:
            return declaration.load(self.package)
        except declaration.DeclarationError as error:
            raise OperatorError(
                "stack.no_declaration", f"{self.name} declares nothing: {error}.", mend="Reinstall ShopStream."
            ) from error

    def ready_url(self, port_base: int, *, port: int | None = None) -> str:
        """The probe's address for the first instance, or for one on another port."""
        parts = urlsplit(self.ready)
        if port is None:
            port = port_base + (ports.OFFSETS[str(parts.hostname)] if self.port is None else self.port)
        return parts._replace(netloc=f"{ports.LOOPBACK}:{port}").geturl()


class Stack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every component of the shop, in a start order that respects their dependencies."""

    components: tuple[Component, ...]
    preload: tuple[str, ...] = ()
    keeper: str = ""
    """The function that keeps one fault; it is given what the request says."""

    def __post_init__(self) -> None:
        known: set[str] = set()
        for component in self.components:
            for needed in component.depends_on:
                if needed not in known:
                    raise ValueError(f"{component.name} depends on {needed}, which is not defined before it")
            for port in component.ports:
                if port not in ports.OFFSETS and component.port is None:
                    raise ValueError(f"{component.name} uses the unknown port {port}")
            known.add(component.name)
        by_port = {service.port: service.name for service in self.services}
        for service in self.services:
            if by_port[service.port] != service.name:
                raise ValueError(f"{service.name} and {by_port[service.port]} have the same port {service.port}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(component.name for component in self.components)

    @property
    def services(self) -> tuple[Component, ...]:
        return tuple(component for component in self.components if component.kind == "service")

    @property
    def packages(self) -> tuple[str, ...]:
        """The Python packages of the services."""
        return tuple(service.package for service in self.services)

    @property
    def audited(self) -> tuple[Component, ...]:
        """The services with a database, and so with audit views."""
        return tuple(service for service in self.services if service.database)

    def offsets(self, components: Iterable[Component] | None = None) -> dict[str, int]:
        """Every port of the components, of all unless named, by its name."""
        found: dict[str, int] = {}
        for component in self.components if components is None else components:
            for name in component.ports:
                found[name] = ports.OFFSETS[name] if component.port is None else component.port
        return found

    def get(self, name: str) -> Component:
        """The component called `name`; raises OperatorError `stack.unknown`."""
        for component in self.components:
            if component.name == name:
                return component
        raise unknown(name, self.names)

    def check_process(self, name: str) -> None:
        """Raise OperatorError `stack.unknown` for what is neither a component nor an instance of a service."""
        service, _, number = name.rpartition("-")
        if number.isdigit():
            self.check_service(service)
        else:
            self.get(name)

    def check_service(self, name: str) -> None:
        """Raise OperatorError `stack.unknown` for what is no service."""
        known = [service.name for service in self.services]
        if name not in known:
            raise unknown(name, known)

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
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int) -> Stack:
    return msgspec.convert(tomllib.loads(path.read_text()), Stack)


def parse_scale(items: Iterable[str], stack: Stack) -> dict[str, int]:
    """`["inventory=2"]` as counts by service. Raises OperatorError `stack.scale` (usage)."""
    counts: dict[str, int] = {}
    for item in items:
        name, _, count = item.partition("=")
        stack.check_service(name)
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
        "stack.unknown", f"There is no {name!r} in this stack.", mend=f"Choose from: {', '.join(known)}."
    )
