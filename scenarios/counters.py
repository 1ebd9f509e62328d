"""What processes and the database server count of themselves: requests, calls, loads, transactions, connections."""

import re
from typing import Final

import aiohttp
import msgspec

from scenarios.fleet import Fleet
from shared.probe_token import probe_token

SAMPLE: Final = re.compile(r"^shopstream_(\w+?)(?:_total)?(?:\{(.*)\})? ([0-9.e+-]+)\Z")
BREAKER: Final = re.compile(r'^shopstream_breaker_refuses\{target="(\w+)"\} ([01]\.0)\Z')
LOST: Final = re.compile(
    r'^shopstream_remote_calls_total\{outcome="(?:failed|timeout)",target="([\w-]+)"\} ([0-9.e+-]+)\Z'
)
CALLS_LOST: Final = "calls_lost"
"""Calls to a service that came to nothing, summed over all its callers."""
CALLERS: Final = frozenset({"gateway", "orders", "search", "catalog"})
"""The services that call others on the way of a visitor."""
SCRAPE_WITHIN_S: Final = 3.0
_TRANSACTIONS: Final = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
_HELD: Final = """
SELECT split_part(application_name, ':', 1) AS process, count(*)::int FROM pg_stat_activity
WHERE state = 'idle in transaction' AND clock_timestamp() - state_change > interval '1 s' GROUP BY 1
"""
_CONNECTIONS: Final = """
SELECT application_name, count(*)::int FROM pg_stat_activity
WHERE datname IS NOT NULL AND application_name <> '' GROUP BY 1
"""


class Counted(msgspec.Struct, frozen=True):
    """Sums over the processes of each service, by `service name`; a process that did not answer is missing in them.
    `service calls_lost` are those of its callers.
    """

    sums: dict[str, float]

    def since(self, before: "Counted") -> dict[str, float]:
        """What was added. A process that began anew in between counts from nothing."""
        return {name: value - before.sums.get(name, 0.0) for name, value in self.sums.items()}


async def counted(fleet: Fleet) -> Counted:
    """Scrape every process of every service once."""
    sums: dict[str, float] = {}
    for process in await fleet.processes():
        if process["kind"] != "service" or process["pid"] is None:
            continue
        text = await _scraped(fleet, int(process["port"]))
        for line in text.splitlines():
            if found := SAMPLE.match(line):
                name = f"{process['component']} {found[1]}"
                sums[name] = sums.get(name, 0.0) + float(found[3])
            if lost := LOST.match(line):
                name = f"{lost[1]} {CALLS_LOST}"
                sums[name] = sums.get(name, 0.0) + float(lost[2])
    return Counted(sums)


async def transactions(fleet: Fleet, service: str) -> int:
    """Transactions that the service's database has ended, as its server counts them; about a second late."""
    rows = await fleet.rows(service, _TRANSACTIONS)
    return int(rows[0][0])


async def held(fleet: Fleet) -> dict[str, int]:
    """Transactions that have been idle for a second or longer, by process: it does something else meanwhile."""
    rows = await fleet.rows("orders", _HELD)
    return {row["process"]: row["count"] for row in rows}


async def breakers(fleet: Fleet) -> list[dict[str, float]]:
    """What each process that asks a breaker says of it: 0 closed, 1 not."""
    found: list[dict[str, float]] = []
    for process in await fleet.processes():
        if process["component"] in CALLERS and process["pid"] is not None:
            text = await _scraped(fleet, int(process["port"]))
            said = (BREAKER.match(line) for line in text.splitlines())
            found.append({match[1]: float(match[2]) for match in said if match})
    return found


async def connections(fleet: Fleet) -> dict[str, int]:
    """Open connections to the database server by the name that a process gave itself."""
    rows = await fleet.rows("orders", _CONNECTIONS)
    return {row["application_name"]: row["count"] for row in rows}


async def _scraped(fleet: Fleet, port: int) -> str:
    try:
        limit = aiohttp.ClientTimeout(total=SCRAPE_WITHIN_S)
        proof = {"Authorization": f"Bearer {probe_token(fleet.secret)}"}
        async with fleet.http.get(f"http://127.0.0.1:{port}/metrics", timeout=limit, headers=proof) as answer:
            return await answer.text()
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""
