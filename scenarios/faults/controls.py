"""Write the controls file that services obey (shared.fault_controls), and have them read it again."""

import fcntl
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from scenarios.fleet import Fleet, FleetAwayError
from shared.fault_controls import ControlsFile, ServiceControls


class Obeyed(msgspec.Struct, frozen=True):
    """What one process answered: how many connections it cut, and what time it thinks it is."""

    connections_cut: int
    now: datetime


async def change(fleet: Fleet, service: str, edit: Callable[[ServiceControls], ServiceControls]) -> list[Obeyed]:
    """Edit what a service is told; the answers of its running processes. One that is down reads it when it starts.

    Raises FleetRefusedError.
    """
    path = fleet.layout.controls_file
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = msgspec.json.decode(path.read_bytes(), type=ControlsFile).services if path.exists() else {}
        services = {**known, service: edit(known.get(service, ServiceControls()))}
        kept = {name: controls for name, controls in services.items() if controls != ServiceControls()}
        partial = path.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(ControlsFile(kept)))
        partial.replace(path)
    answers: list[Any] = []
    for process in await fleet.instances(service):
        try:
            answers.append(await fleet.call_process(process, "POST", "/internal/fault-controls"))
        except FleetAwayError:
            continue
    return msgspec.convert(answers, list[Obeyed])
