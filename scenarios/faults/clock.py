"""Time that is wrong: a service's clock, while databases and brokers keep theirs, how long a hold or a driver takes."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from compose.operator_error import OperatorError
from scenarios.faults import controls
from scenarios.faults.fault import FaultValue
from scenarios.faults.sessions import plant_trigger, pull_trigger, superuser
from scenarios.fleet import Fleet
from shared.fault_controls import ServiceControls

TOLERANCE_S: Final = 5.0
OFFSET_S_MAX: Final = 10 * 366 * 86_400.0
SHORT_HOLDS: Final = "fault_short_holds"
LATE_DRIVER: Final = "fault_late_driver"
DRIVER_COMES: Final = """
    UPDATE shipments SET due_at = clock_timestamp()
    WHERE status = 'labelled' AND call = 'none' AND due_at > clock_timestamp()
"""


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
            )

        def edit(told: ServiceControls) -> ServiceControls:
            return msgspec.structs.replace(told, clock_offset_s=offset_s)

        obeyed = await controls.change(fleet, self.target, edit)
        return [(it.now - datetime.now(UTC)).total_seconds() for it in obeyed]


class ShortHolds(FaultValue, frozen=True, tag="short-holds"):
    """What inventory holds from now on runs out after `ttl_s`: whatever no order has pinned by then is given back."""

    target: str = "inventory"
    ttl_s: Annotated[float, msgspec.Meta(gt=0, le=3_600)] = 5.0

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        if self.target != "inventory":
            raise OperatorError("clock.unknown", f"{self.target!r} holds no stock.", mend="Leave the target out.")
        async with superuser(fleet, self.target) as connection:
            await plant_trigger(
                connection,
                SHORT_HOLDS,
                on="BEFORE INSERT ON reservations",
                body=f"NEW.expires_at := least(NEW.expires_at, clock_timestamp() + interval '{self.ttl_s} seconds');",
            )
            await connection.execute("BEGIN")  # of the probe nothing stays
            given_s = await connection.fetchval(
                "INSERT INTO reservations (id, customer_id, status, expires_at) VALUES (gen_random_uuid(), "
                "gen_random_uuid(), 'held', 'infinity') RETURNING extract(epoch FROM expires_at - clock_timestamp())"
            )
            await connection.execute("ROLLBACK")
        return 0 < given_s <= self.ttl_s, f"a hold is given {given_s:.1f} s"

    async def heal(self, fleet: Fleet) -> None:
        async with superuser(fleet, self.target) as connection:
            await pull_trigger(connection, SHORT_HOLDS, table="reservations")


class LateDriver(FaultValue, frozen=True, tag="late-driver"):
    """A parcel labelled from now on waits `after_s` for the driver; until then its order may still be cancelled."""

    target: str = "shipping"
    after_s: Annotated[float, msgspec.Meta(gt=0, le=3_600)] = 10.0

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        if self.target != "shipping":
            raise OperatorError("clock.unknown", f"{self.target!r} waits for no driver.", mend="Leave the target out.")
        async with superuser(fleet, self.target) as connection:
            await plant_trigger(
                connection,
                LATE_DRIVER,
                on="BEFORE UPDATE ON shipments WHEN (OLD.status = 'created' AND NEW.status = 'labelled')",
                body=f"NEW.due_at := greatest(NEW.due_at, clock_timestamp() + interval '{self.after_s} seconds');",
            )
            waits = await connection.fetchval(
                "SELECT tgenabled <> 'D' FROM pg_trigger WHERE tgname = $1 AND tgrelid = 'shipments'::regclass",
                LATE_DRIVER,
            )
        return bool(waits), f"the driver comes after {self.after_s:g} s"

    async def heal(self, fleet: Fleet) -> None:
        async with superuser(fleet, self.target) as connection:
            await pull_trigger(connection, LATE_DRIVER, table="shipments")
            await connection.execute(DRIVER_COMES)
