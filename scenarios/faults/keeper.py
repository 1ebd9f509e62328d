"""The process that holds one fault: injects it, says what the probe saw, and heals it after its time or at SIGTERM.

Forked by the supervisor, so it outlives the command that asked for it and is stopped, healing, before the stack is.
"""

import asyncio
import logging
import signal
import time
from typing import Final

import msgspec

from compose.operator_error import OperatorError
from scenarios.faults import active
from scenarios.faults.active import Active
from scenarios.fleet import Fleet

HEAL_TRIES_MAX: Final = 5
HEAL_PAUSE_S: Final = 1.0

_log = logging.getLogger("scenarios.faults")


class Order(msgspec.Struct, frozen=True):
    """What a keeper is asked to do: the record to fill, and for how long the fault shall last."""

    record: Active
    for_s: float


def run(argument: str) -> None:
    """Keep the fault that `argument`, an Order as JSON, names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True)
    asyncio.run(_keep(msgspec.json.decode(argument, type=Order)))


async def _keep(order: Order) -> None:
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_end.set)
    async with Fleet.running() as fleet:
        fault = order.record.value
        record = msgspec.structs.replace(active.new(fault), id=order.record.id, since=time.time())
        active.save(fleet.layout, record)
        try:
            injected = await fault.inject(fleet)
        except OperatorError as error:
            _failed(fleet, record, error)
            return
        _log.info("%s %s: %s", fault.name, fault.target, injected.probe)
        record = msgspec.structs.replace(
            record,
            state="on" if fault.lasting else "healing",
            confirmed=injected.confirmed,
            probe=injected.probe,
            ends_at=time.time() + order.for_s if fault.lasting else time.time(),
        )
        active.save(fleet.layout, record)
        if fault.lasting:
            try:
                async with asyncio.timeout(order.for_s):
                    await asked_to_end.wait()
            except TimeoutError:
                _log.info("%s %s: its time is over", fault.name, fault.target)
        await _heal(fleet, record)


async def _heal(fleet: Fleet, record: Active) -> None:
    """Undo it; what cannot be undone now may be in a moment. In the end its record says so."""
    fault = record.value
    for tries_left in reversed(range(HEAL_TRIES_MAX)):
        try:
            await fault.heal(fleet)
        except OperatorError as error:
            _log.warning("%s %s cannot be healed: %s", fault.name, fault.target, error.what)
            if not tries_left:
                _failed(fleet, record, error)
                return
            await asyncio.sleep(HEAL_PAUSE_S)
        else:
            active.save(fleet.layout, msgspec.structs.replace(record, state="healed"))
            return


def _failed(fleet: Fleet, record: Active, error: OperatorError) -> None:
    active.save(fleet.layout, msgspec.structs.replace(record, state="failed", probe=error.what, error=error.to_dict()))
