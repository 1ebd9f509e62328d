"""500 readers of one product over two processes whenever its page has gone from the cache: how many loads that makes.

The page is taken out of Redis while nobody has an older one to fall back on, which is the hardest way to expire. The
peer is a handler without a cache: as many loads as readers. Run: `python -m loadtests.benchmarks.single_flight`.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec
import uvloop
from redis.asyncio import Redis

from loadtests.benchmarks.bare_shop import BareShop, bare_shop
from loadtests.benchmarks.lone_catalog import LoneCatalog, lone_catalog
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from loadtests.benchmarks.wire_load import LoadResult, ask, check_all_ok, run_load
from scenarios import seeding

GOAL_LOADS = 2.0
PROCESSES = 2
PRODUCTS = 20
SEED = 1
BARE_PORTS = 200
_LOADS = re.compile(r"^shopstream_cache_loads ([0-9.e+]+)", re.MULTILINE)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`loads` are those of each expiry, over both processes; `floor` is a bare handler with the same readers."""

    benchmark: str = "single_flight"
    readers: int
    reads_per_reader: int
    loads: list[int]
    hit_ratio: float
    p50_ms: float
    p95_ms: float
    floor: LoadResult
    goal_loads: float = GOAL_LOADS

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (
            figure(
                f"loads of a hot key per expiry, {self.readers} readers over {PROCESSES} processes, the most", "loads",
                measured=max(self.loads), beside=("a handler without a cache", self.readers), goal=self.goal_loads,
            ),
            figure(
                "… p95 of these readers", "ms",
                measured=self.p95_ms, beside=("bare Litestar + asyncpg handler, one process", self.floor.p95_ms),
            ),
            figure(
                "… reads answered from the cache", "of 1",
                measured=self.hit_ratio, beside=("all of them", 1.0),
            ),
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, readers: int, reads: int, expiries: int, port_base: int) -> Report:
    """Start two catalogs and a bare handler, let the page expire, read, count; stop all."""
    goods = seeding.products(PRODUCTS, random.Random(SEED))
    slug = str(goods[0]["slug"])
    loads: list[int] = []
    seen: list[LoadResult] = []
    bare_seen: list[LoadResult] = []
    with tempfile.TemporaryDirectory(prefix="single-flight-") as directory:
        home = Path(directory)
        async with (
            lone_catalog(home / "catalog", port_base=port_base, processes=PROCESSES, products=goods) as catalog,
            bare_shop(home / "bare", port_base=port_base + BARE_PORTS, products=goods) as bare,
        ):
            for _ in range(expiries):
                bare_seen.append(await _bare_round(bare, slug, readers=readers, reads=reads))
                before = await _loads(catalog)
                seen += await _round(catalog, slug, readers=readers, reads=reads)
                loads.append(await _loads(catalog) - before)
    requests = sum(load.requests for load in seen)
    return Report(
        readers=readers,
        reads_per_reader=reads,
        loads=loads,
        hit_ratio=round(1 - sum(loads) / requests, 4),
        p50_ms=_median([load.p50_ms for load in seen]),
        p95_ms=_median([load.p95_ms for load in seen]),
        floor=sorted(bare_seen, key=lambda load: load.p95_ms)[len(bare_seen) // 2],
    )


async def _round(catalog: LoneCatalog, slug: str, *, readers: int, reads: int) -> list[LoadResult]:
    """The page expires; then all readers come at once, half of them to each process."""
    redis = Redis.from_url(catalog.redis_url)
    try:
        await redis.flushdb()
    finally:
        await redis.aclose()
    headers = {"Accept": "application/json", **catalog.headers()}
    share = readers // len(catalog.urls)
    loads = await asyncio.gather(
        *(
            run_load([ask(f"{url}/api/v1/products/{slug}", headers)], requests=share * reads, connections=share)
            for url in catalog.urls
        )
    )
    for load in loads:
        check_all_ok(load)
    return list(loads)


async def _bare_round(bare: BareShop, slug: str, *, readers: int, reads: int) -> LoadResult:
    wish = ask(f"{bare.url}/products/{slug}", {"Accept": "application/json"})
    load = await run_load([wish], requests=readers * reads, connections=readers)
    check_all_ok(load)
    return load


async def _loads(catalog: LoneCatalog) -> int:
    """What all processes have loaded so far, as their metrics say."""
    total = 0.0
    async with aiohttp.ClientSession() as http:
        for url in catalog.urls:
            async with http.get(f"{url}/metrics", headers=catalog.headers()) as answer:
                found = _LOADS.search(await answer.text())
            if found is None:
                raise RuntimeError(f"{url} does not tell how often it loads")
            total += float(found.group(1))
    return round(total)


def _median(values: Sequence[float]) -> float:
    return round(sorted(values)[len(values) // 2], 2)


def table(report: Report) -> str:
    """The report for people."""
    return (
        f"loads per expiry {' '.join(map(str, report.loads))}; {report.hit_ratio:.4f} of the reads were hits; "
        f"p50 {report.p50_ms:.1f} ms, p95 {report.p95_ms:.1f} ms, bare handler p95 {report.floor.p95_ms:.1f} ms"
    )


def main() -> int:
    """0 when the goal was reached, 1 when it was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--reads", type=int, default=6, help="per reader and expiry")
    parser.add_argument("--expiries", type=int, default=10)
    parser.add_argument("--port-base", type=int, default=26_200)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(readers=given.readers, reads=given.reads, expiries=given.expiries, port_base=given.port_base)
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
