"""What processes and the database server count of themselves: requests, calls, loads, transactions, connections."""

import re
from typing import Final

import aiohttp
import msgspec

from scenarios.fleet import Fleet

SAMPLE: Final = re.compile(r"^shopstream_(\w+?)(?:_total)?(?:\{(.*)\})? ([0-9.e+-]+)\Z")
SCRAPE_WITHIN_S: Final = 3.0
_TRANSACTIONS: Final = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
_CONNECTIONS: Final = """
SELECT application_name, count(*)::int FROM pg_stat_activity
WHERE datname IS NOT NULL AND application_name <> '' GROUP BY 1
"""


class Counted(msgspec.Struct, frozen=True):
    """Sums over the processes of each service, by `service name`; a process that did not answer is missing in them."""

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
    return Counted(sums)


async def transactions(fleet: Fleet, service: str) -> int:
    """Transactions that the service's database has ended, as its server counts them; about a second late."""
    rows = await fleet.rows(service, _TRANSACTIONS)
    return int(rows[0][0])


async def connections(fleet: Fleet) -> dict[str, int]:
    """Open connections to the database server by the name that a process gave itself."""
    rows = await fleet.rows("orders", _CONNECTIONS)
    return {row["application_name"]: row["count"] for row in rows}


async def _scraped(fleet: Fleet, port: int) -> str:
    try:
        limit = aiohttp.ClientTimeout(total=SCRAPE_WITHIN_S)
        async with fleet.http.get(f"http://127.0.0.1:{port}/metrics", timeout=limit) as answer:
            return await answer.text()
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""
