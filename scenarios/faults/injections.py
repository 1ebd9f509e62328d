"""Injects faults and heals every one of them, the last one first, whatever happens in between."""

import asyncio
import time
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

import msgspec

from compose.operator_error import OperatorError
from scenarios.evidence.facts import FaultFired
from scenarios.faults import active
from scenarios.faults.fault import Fault, FaultValue, Injected
from scenarios.fleet import Fleet

HEAL_DEADLINE_S: Final = 90.0


class Injections:
    """The faults of one run. Leaving the block ends what is under way and heals what is not healed yet.

    `fired` tells what happened; a fault that could not be injected is unconfirmed, which makes a run INVALID.
    `problems` are heals that failed: the fleet is then not what the rest of the run takes it for.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fired: list[FaultFired] = []
        self.problems: list[str] = []
        self._fleet = fleet
        self._noted: dict[int, str] = {}
        self._heals = AsyncExitStack()
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._heals.aclose()

    def start(self, fault: Fault, *, for_s: float | None = None) -> None:
        """Inject it beside whatever else goes on; heal it after `for_s` seconds, or at the end of the block."""
        task = asyncio.create_task(self.inject(fault, for_s=for_s), name=f"{fault.name} {fault.target}")
        self._under_way.add(task)

    async def finish(self) -> None:
        """Wait for what was started, to the end of its time."""
        await asyncio.gather(*self._under_way)
        self._under_way.clear()

    async def inject(self, fault: Fault, *, for_s: float | None = None) -> None:
        """Inject it, and heal it after `for_s` seconds, or at the end of the block."""
        at = time.time()
        place = len(self.fired)
        self.fired.append(FaultFired(name=fault.name, target=fault.target, at=at))
        try:
            injected = await fault.inject(self._fleet)
        except OperatorError as error:
            self.fired[place] = msgspec.structs.replace(self.fired[place], probe=error.what)
            return
        self.fired[place] = msgspec.structs.replace(
            self.fired[place],
            confirmed=injected.confirmed,
            probe=injected.probe,
            bit_at=time.time() if injected.confirmed else None,
        )
        self._heals.push_async_callback(self._heal, injected, place)
        self._note(fault, place)
        if for_s is not None:
            await asyncio.sleep(for_s)
            await self._heal(injected, place)

    async def _heal(self, injected: Injected, place: int) -> None:
        """Once, within its time; a heal that fails is tried again at the end of the block."""
        fired = self.fired[place]
        if fired.healed_at is not None:
            return
        try:
            async with asyncio.timeout(HEAL_DEADLINE_S):
                await injected.heal()
        except (OperatorError, TimeoutError) as error:
            what = error.what if isinstance(error, OperatorError) else f"not healed after {HEAL_DEADLINE_S:g} s"
            self.problems.append(f"{fired.name} {fired.target}: {what}")
            return
        self.fired[place] = msgspec.structs.replace(fired, healed_at=time.time())
        if place in self._noted:
            active.drop(self._fleet.layout, self._noted.pop(place))

    def _note(self, fault: Fault, place: int) -> None:
        """Let `shopctl fault` see it, and heal it should this process be killed."""
        if isinstance(fault, FaultValue) and fault.lasting:
            fired = self.fired[place]
            record = active.new(fault)
            self._noted[place] = record.id
            active.save(
                self._fleet.layout,
                msgspec.structs.replace(
                    record, state="on", confirmed=fired.confirmed, probe=fired.probe, since=fired.at
                ),
            )
