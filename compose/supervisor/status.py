"""The state of everything that runs, asked now: health by a real probe, memory by PSS, lag and breakers as told."""

import asyncio
import json
import os
import re
from typing import Any, Final

from compose import http_probe, memory
from compose.engines.engine import NotReadyError
from compose.supervisor.fleet import Fleet
from compose.supervisor.runners import failing_checks
from compose.supervisor.unit import Unit

PROBE_SECONDS_MAX: Final = 2.5


async def collect(fleet: Fleet, *, fork_parent_pid: int) -> dict[str, Any]:
    """Rows in start order and the sums of memory by kind, in bytes."""
    rows = await asyncio.gather(*(_row(fleet, unit) for unit in fleet.units.values()))
    rows.append(await _own_row(fork_parent_pid))
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["kind"]] = sums.get(row["kind"], 0) + row["pss_bytes"]
    return {
        "processes": rows,
        "pss_bytes": {**sums, "all": sum(sums.values())},
        "healthy": all(row["state"] == "ready" for row in rows),
    }


async def _row(fleet: Fleet, unit: Unit) -> dict[str, Any]:
    health = await _health(fleet, unit)
    row = unit.to_dict() | health
    row["pss_bytes"] = await asyncio.to_thread(memory.family_pss_bytes, row["pid"]) if row["pid"] else 0
    return row


async def _health(fleet: Fleet, unit: Unit) -> dict[str, Any]:
    if unit.state not in {"ready", "not ready"} or not unit.is_running:
        return {"lag": None, "breakers": None}
    if unit.kind == "engine":
        return await _engine_health(fleet, unit)
    try:
        answer = await http_probe.get(unit.runner.ready_url, seconds_max=PROBE_SECONDS_MAX, token=fleet.probe_token)
    except (OSError, TimeoutError) as error:
        unit.mark(ready=False, detail=str(error) or "no answer in time")
        return {"lag": None, "breakers": None}
    unit.mark(ready=answer.status == 200, detail=failing_checks(answer.body))
    return lag_and_breakers(answer.body)


async def _engine_health(fleet: Fleet, unit: Unit) -> dict[str, Any]:
    assert unit.process
    try:
        async with asyncio.timeout(PROBE_SECONDS_MAX):
            await fleet.engines[unit.component].probe(unit.process)
    except (NotReadyError, TimeoutError) as error:
        unit.mark(ready=False, detail=str(error) or "no answer in time")
    else:
        unit.mark(ready=True, detail="")
    return {"lag": None, "breakers": None}


def lag_and_breakers(body: bytes) -> dict[str, Any]:
    """Consumer lag and breaker states out of the checks of a readiness answer, where it tells them."""
    try:
        checks: dict[str, dict[str, Any]] = json.loads(body).get("checks", {})
    except (ValueError, AttributeError):
        checks = {}
    lags = [
        int(found.group(1))
        for check in checks.values()
        if (found := re.search(r"\blag (\d+)", str(check.get("detail", ""))))
    ]
    breakers = [str(check.get("detail", "")) for name, check in checks.items() if name.startswith("breaker")]
    return {"lag": sum(lags) if lags else None, "breakers": ", ".join(breakers) or None}


async def _own_row(fork_parent_pid: int) -> dict[str, Any]:
    """The supervisor with the fork parent it keeps."""
    pids = [os.getpid(), *([fork_parent_pid] if fork_parent_pid else [])]
    used = await asyncio.to_thread(lambda: sum(memory.pss_bytes(pid) for pid in pids))
    return {
        "name": "supervisor",
        "kind": "supervisor",
        "component": "supervisor",
        "state": "ready",
        "detail": "",
        "pid": os.getpid(),
        "port": 0,
        "boot_s": 0.0,
        "restarts": 0,
        "lag": None,
        "breakers": None,
        "pss_bytes": used,
    }
