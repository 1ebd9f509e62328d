"""What the supervisor asks of a profile, whichever it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from compose.addresses import Addresses
from compose.engines.engine import Report
from compose.process import Process
from compose.stack import Component
from compose.supervisor.runners import Wanted
from compose.supervisor.unit import Runner


class Probed(Protocol):
    """What the status asks of an engine."""

    async def probe(self, process: Process) -> None:
        """Raises NotReadyError."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """An engine, and what the supervisor keeps it by."""

    engine: Probed
    runner: Runner
    port: int


class Profile(Protocol):
    """Where the engines of this stack are and who keeps them."""

    engines: Addresses
    """As the operator and the processes of this machine reach them."""
    inside: dict[str, str]
    """Addresses, by their names in the stack's state, that the stack itself reaches elsewhere."""
    prepares: bool
    """Whether the supervisor is to make databases and topics."""

    async def begin(self, components: Iterable[Component]) -> None:
        """Before any of these is started. Raises OperatorError."""
        ...

    async def end(self) -> None:
        """After the last has stopped."""
        ...

    def runner(self, wanted: Wanted) -> Runner:
        """How a service instance or the world is started."""
        ...

    def engine(self, component: Component, *, report: Report) -> Made:
        """One engine, not started or looked at yet."""
        ...
