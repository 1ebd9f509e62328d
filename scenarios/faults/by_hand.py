"""Faults injected and healed by hand: through a keeper, who goes on when the operator's command has ended."""

import asyncio
import os
import signal
import time
from typing import Final

import msgspec

from compose import operator_error
from compose.operator_error import OperatorError
from compose.process import is_same
from scenarios.faults import active
from scenarios.faults.active import Active
from scenarios.faults.fault import FaultValue
from scenarios.faults.keeper import Order
from scenarios.fleet import Fleet

INJECT_S_MAX: Final = 90.0
HEAL_S_MAX: Final = 90.0
LOOK_EVERY_S: Final = 0.05


async def inject(fleet: Fleet, fault: FaultValue, *, for_s: float) -> Active:
    """Have a keeper inject the fault; how it stands when the probe has spoken, or when it is over if it does not last.

    Raises OperatorError: the fault's own refusal, or fault.lost when the keeper has no word in time.
    """
    order = Order(record=active.new(fault), for_s=for_s)
    keeper = await fleet.supervise("keep", argument=msgspec.json.encode(order).decode())
    awaited = {"on", "healed", "failed"} if fault.lasting else {"healed", "failed"}
    end = time.monotonic() + INJECT_S_MAX
    while True:
        may_speak = time.monotonic() < end and is_same(keeper["pid"], keeper["start_ticks"])
        found = active.find(fleet.layout, order.record.id)
        if found is not None and found.state in awaited:
            break
        if not may_speak:
            raise OperatorError(
                "fault.lost",
                f"The keeper of {fault.name} {fault.target} has not said how it went.",
                mend="Look with: shopctl fault list, shopctl logs faults.",
            )
        await asyncio.sleep(LOOK_EVERY_S)
    if found.state in {"healed", "failed"}:
        active.drop(fleet.layout, found.id)
    if found.error is not None:
        raise operator_error.from_dict(found.error)
    return found


async def heal(fleet: Fleet, wanted: str = "") -> list[Active]:
    """Heal the faults whose id or name is `wanted`, or all; what was healed. Raises OperatorError (fault.unknown)."""
    known = active.every(fleet.layout)
    for over in (it for it in known if it.state == "healed" and it.value.lasting):
        active.drop(fleet.layout, over.id)
    found = [it for it in known if it.state != "healed" and wanted in {"", it.id, str(it.fault["fault"])}]
    if wanted and not found:
        raise OperatorError(
            "fault.unknown", f"There is no fault {wanted!r} that is on.", mend="Look with: shopctl fault list."
        )
    for one in found:
        await _heal(fleet, one)
    return found


async def _heal(fleet: Fleet, one: Active) -> None:
    """By its keeper where there is one, else here."""
    if one.is_kept and one.state != "healed":
        os.kill(one.keeper_pid, signal.SIGTERM)
        end = time.monotonic() + HEAL_S_MAX
        while one.is_kept:
            if time.monotonic() > end:
                raise OperatorError(
                    "fault.keeper",
                    f"The keeper of {one.value.name} does not end.",
                    mend="Look with: shopctl logs faults.",
                )
            await asyncio.sleep(LOOK_EVERY_S)
    last = active.find(fleet.layout, one.id)
    if last is not None and last.state != "healed":
        await one.value.heal(fleet)
    active.drop(fleet.layout, one.id)
