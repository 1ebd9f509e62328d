"""A clock that is wrong: what the rules of one service take for the time. Databases and brokers keep theirs."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from compose.operator_error import OperatorError
from scenarios.faults import controls
from scenarios.faults.fault import FaultValue
from scenarios.fleet import Fleet
from shared.fault_controls import ServiceControls

TOLERANCE_S: Final = 5.0
OFFSET_S_MAX: Final = 10 * 366 * 86_400.0


class ClockOffset(FaultValue, frozen=True, tag="clock-offset"):
    """The clock of every process of a service is `offset_s` fast, or slow when negative."""

    offset_s: Annotated[float, msgspec.Meta(ge=-OFFSET_S_MAX, le=OFFSET_S_MAX)] = 300.0

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        offsets = await self._set(fleet, self.offset_s)
        off = bool(offsets) and all(abs(it - self.offset_s) < TOLERANCE_S for it in offsets)
        return off, f"its clock is {offsets[0]:+.0f} s off" if offsets else "no process of it runs"

    async def heal(self, fleet: Fleet) -> None:
        await self._set(fleet, 0.0)

    async def _set(self, fleet: Fleet, offset_s: float) -> list[float]:
        """How far off each process is afterwards."""
        known = {it["component"] for it in await fleet.processes() if it["kind"] == "service"}
        if self.target not in known:
            raise OperatorError(
                "clock.unknown",
                f"There is no service {self.target!r}.",
                mend=f"Choose from: {', '.join(sorted(known))}.",
                exit_code=2,
            )

        def edit(told: ServiceControls) -> ServiceControls:
            return msgspec.structs.replace(told, clock_offset_s=offset_s)

        obeyed = await controls.change(fleet, self.target, edit)
        return [(it.now - datetime.now(UTC)).total_seconds() for it in obeyed]
