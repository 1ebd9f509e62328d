"""What a fault is: a value that does something to the environment, has a probe say that it bit, and returns its heal.

A family of faults is one file of frozen structs beside this one. Who injects them and when is not their business.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from scenarios.fleet import Fleet

CONFIRM_DEADLINE_S: Final = 10.0
PROBE_INTERVAL_S: Final = 0.02

Heal = Callable[[], Awaitable[None]]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""Of all that it could strike."""
Number = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=60_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]


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


class FaultValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="fault"):
    """A fault of the catalogue: its tag is its name, and its value alone says how it is done and undone.

    So whoever finds it recorded can heal it, also when who injected it is gone. `lasting` is False for what is done at
    once and leaves nothing to undo.
    """

    lasting: ClassVar[bool] = True
    target: str

    @property
    def name(self) -> str:
        return str(self.__struct_config__.tag)

    async def inject(self, fleet: "Fleet") -> Injected:
        """Do it, have the probe speak, and undo it if that is interrupted. Raises OperatorError."""
        try:
            confirmed, probe = await self.bite(fleet)
        except BaseException:
            await asyncio.shield(self.heal(fleet))
            raise

        async def heal() -> None:
            await self.heal(fleet)

        return Injected(confirmed=confirmed, probe=probe, heal=heal)

    async def bite(self, fleet: "Fleet") -> tuple[bool, str]:
        """Do it; whether the probe saw it, and what it saw. Raises OperatorError."""
        raise NotImplementedError

    async def heal(self, fleet: "Fleet") -> None:
        """Undo it; harmless when it is undone already. Raises OperatorError."""
        raise NotImplementedError


async def until(condition: Callable[[], Awaitable[bool]], *, deadline_s: float = CONFIRM_DEADLINE_S) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + deadline_s
    while not await condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(PROBE_INTERVAL_S)
    return True
