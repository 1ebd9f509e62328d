"""What one read of a service costs beside a bare Litestar + asyncpg handler: the product list of 20, without a gateway.

Both select and serialise 20 products with their variants and prices, each from a PostgreSQL of its own, in alternating
rounds. Run: `python -m loadtests.benchmarks.endpoint_cost [--json FILE]`.
"""

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from loadtests.benchmarks.bare_handler import LISTED
from loadtests.benchmarks.bare_shop import BareShop, bare_shop
from loadtests.benchmarks.lone_catalog import LoneCatalog, lone_catalog
from loadtests.benchmarks.process_cpu import spent
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from loadtests.benchmarks.wire_load import LoadResult, ask, check_all_ok, run_load
from scenarios import seeding

PRODUCTS = 200
SEED = 1
BARE_PORTS = 200


class Measured(msgspec.Struct, frozen=True):
    """CPU-ms per request of the process that answers and of its database (median rounds), and what clients saw."""

    process_ms: float
    database_ms: float
    requests_per_s: float
    p50_ms: float
    p95_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    benchmark: str = "endpoint_cost"
    requests_per_round: int
    rounds: int
    connections: int
    floor: Measured
    service: Measured

    @property
    def figures(self) -> tuple[Figure, ...]:
        peer = "bare Litestar + asyncpg handler"
        return (
            figure(
                "a list of 20 products by the service alone: its process", "CPU-ms",
                measured=self.service.process_ms, beside=(peer, self.floor.process_ms),
            ),
            figure(
                "a list of 20 products by the service alone: with its database", "CPU-ms",
                measured=self.service.process_ms + self.service.database_ms,
                beside=(f"{peer} with its database", self.floor.process_ms + self.floor.database_ms),
            ),
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, requests: int, rounds: int, connections: int, port_base: int, products: int = PRODUCTS) -> Report:
    """Start the catalog's API and the bare handler, measure, stop both."""
    goods = seeding.products(products, random.Random(SEED))
    with tempfile.TemporaryDirectory(prefix="endpoint-cost-") as directory:
        home = Path(directory)
        async with (
            lone_catalog(home / "catalog", port_base=port_base, processes=1, products=goods) as catalog,
            bare_shop(home / "bare", port_base=port_base + BARE_PORTS, products=goods) as bare,
        ):
            rows: dict[str, list[tuple[float, float, LoadResult]]] = {"bare": [], "service": []}
            for number in range(rounds + 1):  # the first one warms up
                asked = {"bare": bare, "service": catalog}
                for name, subject in asked.items():
                    seen = await _round(subject, requests=requests, connections=connections)
                    if number:
                        rows[name].append(seen)
    return Report(
        requests_per_round=requests,
        rounds=rounds,
        connections=connections,
        floor=_summary(rows["bare"]),
        service=_summary(rows["service"]),
    )


async def _round(
    subject: LoneCatalog | BareShop, *, requests: int, connections: int
) -> tuple[float, float, LoadResult]:
    """CPU-ms per request of everything but the database, of the database, and the load."""
    if isinstance(subject, BareShop):
        wish = ask(f"{subject.url}/products", {"Accept": "application/json"})
    else:
        url = f"{subject.urls[0]}/api/v1/products?limit={LISTED}"
        wish = ask(url, {"Accept": "application/json", **subject.headers()})
    before = subject.cpu_s()
    load = await run_load([wish], requests=requests, connections=connections)
    used = spent(before, subject.cpu_s())
    check_all_ok(load)
    database = sum(seconds for name, seconds in used.items() if name.startswith("postgres"))
    return (sum(used.values()) - database) * 1000 / requests, database * 1000 / requests, load


def _summary(rounds: list[tuple[float, float, LoadResult]]) -> Measured:
    return Measured(
        process_ms=round(statistics.median(process for process, _, _ in rounds), 3),
        database_ms=round(statistics.median(database for _, database, _ in rounds), 3),
        requests_per_s=round(statistics.median(load.requests / load.seconds for _, _, load in rounds), 1),
        p50_ms=round(statistics.median(load.p50_ms for _, _, load in rounds), 2),
        p95_ms=round(statistics.median(load.p95_ms for _, _, load in rounds), 2),
    )


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'':10}{'process ms':>12}{'database ms':>13}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}"]
    lines += [
        f"{name:10}{row.process_ms:12.3f}{row.database_ms:13.3f}{row.requests_per_s:12.0f}{row.p50_ms:9.2f}"
        f"{row.p95_ms:9.2f}"
        for name, row in (("bare", report.floor), ("catalog", report.service))
    ]
    return "\n".join(lines)


def main() -> int:
    """0: nothing is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_500, help="per round and subject")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--port-base", type=int, default=26_200)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(requests=given.requests, rounds=given.rounds, connections=given.connections, port_base=given.port_base)
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
