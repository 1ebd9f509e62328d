"""What a fault is: a value that does something to the environment, has a probe say that it bit, and returns its heal.

A family of faults is one file of frozen structs beside this one. Who injects them and when is not their business.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scenarios.fleet import Fleet

Heal = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Injected:
    """`confirmed` is a probe's word that the fault bit, `probe` what it saw.

    `heal` undoes the fault and returns when it is undone; it may be called again. Raises OperatorError.
    """

    confirmed: bool
    probe: str
    heal: Heal


class Fault(Protocol):
    """`name` says what is done and `target` to whom, as the operator reads both."""

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str: ...

    async def inject(self, fleet: "Fleet") -> Injected:
        """Do it; return when the probe has spoken. What is interrupted before that leaves nothing behind.

        Raises OperatorError when it cannot be done, for example when there is no such process.
        """
        ...
