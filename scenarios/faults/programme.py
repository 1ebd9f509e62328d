"""Faults that are a part of a simulator's programme: how it behaves, told over its control interface."""

from typing import Any, ClassVar

from scenarios.faults.fault import FaultValue
from scenarios.fleet import Fleet

BEHAVIOUR = "/control/behaviour"


class ProgrammedFault(FaultValue, frozen=True, kw_only=True):
    """Sets its part of the behaviour, leaves the rest as it is, and is healed by what a healthy one does there."""

    simulator: ClassVar[str]
    spoken_of: ClassVar[str]
    healthy: ClassVar[dict[str, Any]]

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        wanted = self.programme()
        await fleet.world(self.simulator, "PATCH", BEHAVIOUR, json=wanted)
        now: dict[str, Any] = await fleet.world(self.simulator, "GET", BEHAVIOUR)
        told = ", ".join(f"{name} {now[name]}" for name in wanted)
        return all(now[name] == value for name, value in wanted.items()), f"{self.spoken_of} says {told}"

    async def heal(self, fleet: Fleet) -> None:
        healthy = {name: self.healthy[name] for name in self.programme()}
        await fleet.world(self.simulator, "PATCH", BEHAVIOUR, json=healthy)

    def programme(self) -> dict[str, Any]:
        """The part of the behaviour that this fault sets."""
        raise NotImplementedError
