"""Reads what nobody has a reason to change during a drill: the run's evidence, the audit views, the processes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scenarios.drilling.record import Guard
from scenarios.fleet import Fleet

VIEWS: Final = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'audit'"
JUDGEMENT: Final = frozenset({"verdict.json", "junit.xml", "report.html"})
"""What judging writes into a run's directory; it can be made anew at any time."""


async def guard(fleet: Fleet, run: Path) -> Guard:
    """As things stand now."""
    return Guard(files=digests(run), views=await views(fleet), processes=await processes(fleet))


def digests(run: Path) -> dict[str, str]:
    """By name, SHA-256 of every file of evidence."""
    return {
        str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name not in JUDGEMENT
    }


async def views(fleet: Fleet) -> dict[str, str]:
    """How every audit view is defined, by `service.view`. Raises `FleetAwayError`."""
    return {
        f"{service}.{row['viewname']}": row["definition"]
        for service in fleet.audit_urls()
        for row in await fleet.rows(service, VIEWS)
    }


async def processes(fleet: Fleet) -> dict[str, int]:
    """The pids of the services' instances."""
    return {process["name"]: process["pid"] or 0 for process in await fleet.processes() if process["kind"] == "service"}


def touched(before: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """The processes that were started anew, added or taken away."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def carried_on(before: Mapping[str, int], began: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """As `before`, but for what was as `before` when something `began`: that is as it is `now`.

    So that what somebody else had touched stays touched.
    """
    own = {name: pid for name, pid in now.items() if before.get(name) == began.get(name)}
    return own | {name: pid for name, pid in before.items() if began.get(name) != pid}
