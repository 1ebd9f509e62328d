"""How long the shop needed to recover from each kill. Pure: faults and client history in, seconds out.

A kill is recovered from when the process is ready again and every journey that it serves has come to a good end for
somebody who began it after the kill had bitten. The time counts from the moment before the signal was sent, and holds
what the journey itself takes on a good day.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from scenarios.evidence import FaultFired, RunFacts
from scenarios.history import PLACE_ORDER, Operation
from scenarios.workloads.trade import CHARGED, COUNTED, JOURNEYS, LOOK, SEARCH, SHIPPED, TOLD, WHO_AM_I

SERVED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": (LOOK, SEARCH, WHO_AM_I, PLACE_ORDER),
    "auth": (WHO_AM_I,),
    "catalog": (LOOK, PLACE_ORDER),
    "inventory": (PLACE_ORDER,),
    "orders": (PLACE_ORDER, SHIPPED),
    "payments": (CHARGED,),
    "shipping": (SHIPPED,),
    "search": (SEARCH,),
    "notifications": (TOLD,),
    "analytics": (COUNTED,),
    "elasticsearch": (SEARCH,),
    "world": (CHARGED, SHIPPED),
    "kafka": (CHARGED, SHIPPED, TOLD, COUNTED),
    "postgres": JOURNEYS,
    "redis": JOURNEYS,
    "fork-parent": JOURNEYS,
}
"""The journeys of each component; all of them for one that is not named."""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """One kill; seconds from it until the process was `ready` and its `journeys` worked, None for never.

    `struck` is how many operations of clients were under way.
    """

    process: str
    at: float
    ready_s: float | None
    journeys_s: dict[str, float | None]
    struck: int

    @property
    def component(self) -> str:
        return component_of(self.process)

    @property
    def seconds(self) -> float | None:
        """The recovery time; None when there was none."""
        every = [self.ready_s, *self.journeys_s.values()]
        known = [one for one in every if one is not None]
        return max(known) if len(known) == len(every) else None

    @property
    def slowest(self) -> str:
        """What was waited for longest."""
        every = {"ready": self.ready_s, **self.journeys_s}
        return max(every, key=lambda name: float("inf") if (took := every[name]) is None else took)


def component_of(process: str) -> str:
    """What a process is one of: `orders` of `orders-2`."""
    name, _, number = process.rpartition("-")
    return name if number.isdigit() else process


def recoveries(facts: RunFacts, operations: Sequence[Operation]) -> tuple[Recovery, ...]:
    """Of every confirmed kill of a run, in the order in which they were done."""
    good = [operation for operation in operations if operation.outcome == "ok"]
    kills = (fault for fault in facts.faults if fault.name == "kill" and fault.confirmed)
    return tuple(_recovery(facts, fault, operations, good) for fault in kills)


def _recovery(
    facts: RunFacts, fault: FaultFired, operations: Iterable[Operation], good: Iterable[Operation]
) -> Recovery:
    bit_at = fault.at if fault.bit_at is None else fault.bit_at
    since_s, killed_s = bit_at - facts.history_origin_at, fault.at - facts.history_origin_at
    first: dict[str, float | None] = dict.fromkeys(SERVED_BY.get(component_of(fault.target), JOURNEYS))
    for operation in good:
        journey = operation.invoke.function
        if journey in first and operation.invoke.time_s >= since_s:
            took_s = operation.last.time_s - killed_s
            known = first[journey]
            first[journey] = took_s if known is None else min(known, took_s)
    return Recovery(
        process=fault.target,
        at=fault.at,
        ready_s=None if fault.healed_at is None else fault.healed_at - fault.at,
        journeys_s=first,
        struck=sum(
            operation.invoke.time_s <= killed_s and (operation.completion is None or operation.last.time_s >= killed_s)
            for operation in operations
        ),
    )
