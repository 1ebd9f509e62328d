"""Reading through the gateway: a list of 20 with prices and stock, a product page from the cache, a search.

CPU-ms per request is that of the whole fleet and its engines, less what they use at rest; capacity is what a few
connections get that ask again at once; p95 is at 70 % of that capacity, measured right after it. The peer is a bare
Litestar + asyncpg handler that selects and serialises the same 20 rows (or the one), with its database, in alternating
rounds. Run: `python -m loadtests.benchmarks.reading [--json FILE]`.
"""

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from loadtests.benchmarks.bare_handler import LISTED
from loadtests.benchmarks.bare_shop import BareShop, bare_shop
from loadtests.benchmarks.own_fleet import SEED, fleet_cpu, idle, own_fleet
from loadtests.benchmarks.process_cpu import CpuSeconds, less_idle, ms_each, spent
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from loadtests.benchmarks.wire_load import Ask, LoadResult, ask, check_all_ok, run_load, run_paced
from scenarios import seeding
from scenarios.fleet import Fleet

GOAL_LIST_MS = 2.0
GOAL_PAGE_P95_MS = 50.0
SHARE_OF_CAPACITY = 0.7
PAGES = 20
READERS = 20
WORDS = ("jacket", "storm tent", "bottle", "trail shoes", "lamp")
BARE_PORTS = 200
TOKEN_TTL_S = 600
HTTP_JSON = {"Accept": "application/json", "User-Agent": "bench"}


class Measured(msgspec.Struct, frozen=True):
    """Medians of the rounds; `processes` is CPU-ms per request by process in the last one, the largest first."""

    cpu_ms: float
    requests_per_s: float
    p50_ms: float
    p95_ms_at_70: float
    processes: dict[str, float]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`floor` is the bare handler's list, `floor_page` its page."""

    benchmark: str = "reading"
    size: str
    rounds: int
    requests_per_round: int
    floor: Measured
    floor_page: Measured
    products: Measured
    page: Measured
    search: Measured
    goal_list_ms: float = GOAL_LIST_MS
    goal_page_p95_ms: float = GOAL_PAGE_P95_MS

    @property
    def figures(self) -> tuple[Figure, ...]:
        peer = "bare Litestar + asyncpg handler"
        rows = (
            (f"product list of {LISTED} with prices and stock", self.products, self.floor, self.goal_list_ms, None),
            ("product page from the cache", self.page, self.floor_page, None, self.goal_page_p95_ms),
            ("search", self.search, self.floor, None, None),
        )
        found: list[Figure] = []
        for what, fleet, bare, goal_ms, goal_p95_ms in rows:
            found += [
                figure(
                    f"{what}: whole fleet and engines", "CPU-ms",
                    measured=fleet.cpu_ms, beside=(f"{peer} with its database", bare.cpu_ms), goal=goal_ms,
                ),
                figure(
                    f"{what}: capacity", "per s",
                    measured=fleet.requests_per_s, beside=(peer, bare.requests_per_s),
                ),
                figure(
                    f"{what}: p95 at 70 % load", "ms",
                    measured=fleet.p95_ms_at_70, beside=(peer, bare.p95_ms_at_70), goal=goal_p95_ms,
                ),
            ]  # fmt: skip
        return tuple(found)

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


class Subject(msgspec.Struct, frozen=True):
    """What is asked for, of whom, and how to know what it cost: CPU seconds over some seconds, less those at rest."""

    asks: Sequence[Ask]
    cpu: Callable[[], CpuSeconds]
    at_rest: tuple[CpuSeconds, float]


async def measure(
    *, size: str, requests: int, rounds: int, connections: int, paced_s: float, idle_s: float, port_base: int
) -> Report:
    """Boot and seed a fleet, start the bare handler beside it, measure, stop both."""
    goods = seeding.products(seeding.SIZES[size].products, random.Random(SEED))
    with tempfile.TemporaryDirectory(prefix="reading-") as directory:
        home = Path(directory)
        async with (
            own_fleet(home / "home", port_base=port_base, size=size) as fleet,
            bare_shop(home / "bare", port_base=port_base + BARE_PORTS, products=goods) as bare,
        ):
            at_rest = await idle(fleet.stack, seconds=idle_s)
            people = await _people(fleet)
            subjects = {
                **_of_bare(bare),
                **_of_fleet(fleet, people, bare.slugs[:PAGES], (at_rest.used, at_rest.seconds)),
            }
            rows: dict[str, list[tuple[CpuSeconds, LoadResult]]] = {name: [] for name in subjects}
            for number in range(rounds + 1):  # the first one warms up
                for name, subject in subjects.items():
                    seen = await _round(subject, requests=requests, connections=connections)
                    if number:
                        rows[name].append(seen)
            paced = {name: await _paced(subject, rows[name], paced_s=paced_s) for name, subject in subjects.items()}
    measured = {name: _summary(of, paced[name]) for name, of in rows.items()}
    return Report(
        size=size,
        rounds=rounds,
        requests_per_round=requests,
        floor=measured["bare list"],
        floor_page=measured["bare page"],
        products=measured["list"],
        page=measured["page"],
        search=measured["search"],
    )


def _of_bare(bare: BareShop) -> dict[str, Subject]:
    pages = [ask(f"{bare.url}/products/{slug}", HTTP_JSON) for slug in bare.slugs[:PAGES]]
    wishes = {"bare list": [ask(f"{bare.url}/products", HTTP_JSON)], "bare page": pages}
    return {name: Subject(asks, bare.cpu_s, ({}, 1.0)) for name, asks in wishes.items()}


def _of_fleet(
    fleet: Fleet, people: Sequence[Mapping[str, str]], slugs: Sequence[str], at_rest: tuple[CpuSeconds, float]
) -> dict[str, Subject]:
    """Everybody asks for everything, so that no single caller meets a limit."""
    api = f"{fleet.gateway_url}/api/v1"
    paths = {
        "list": [f"/products?limit={LISTED}"],
        "page": [f"/products/{slug}" for slug in slugs],
        "search": [f"/search?q={word.replace(' ', '+')}" for word in WORDS],
    }
    return {
        name: Subject(
            [ask(api + path, {**HTTP_JSON, **person}) for person in people for path in wished],
            lambda: fleet_cpu(fleet.stack),
            at_rest,
        )
        for name, wished in paths.items()
    }


async def _people(fleet: Fleet) -> list[dict[str, str]]:
    """The headers of customers who are signed in."""
    people: list[dict[str, Any]] = [
        {"email": f"reader{n}@example.com", "name": "A. Reader", "roles": ["customer"]} for n in range(READERS)
    ]
    made = await fleet.call("auth", "POST", "/internal/users/import", json={"items": people})
    wish = {"subjects": [item["user_id"] for item in made["items"]], "ttl_s": TOKEN_TTL_S}
    tokens = await fleet.call("auth", "POST", "/internal/tokens", json=wish)
    return [{"Authorization": f"Bearer {item['access_token']}"} for item in tokens["items"]]


async def _round(subject: Subject, *, requests: int, connections: int) -> tuple[CpuSeconds, LoadResult]:
    before = subject.cpu()
    load = await run_load(subject.asks, requests=requests, connections=connections)
    used = spent(before, subject.cpu())
    check_all_ok(load)
    rest, rest_s = subject.at_rest
    return less_idle(used, seconds=load.seconds, idle=rest, idle_seconds=rest_s), load


async def _paced(subject: Subject, rounds: list[tuple[CpuSeconds, LoadResult]], *, paced_s: float) -> LoadResult:
    """At 70 % of what the rounds got; who came too much is told by other answers than 200."""
    per_s = SHARE_OF_CAPACITY * statistics.median(load.requests / load.seconds for _, load in rounds)
    load = await run_paced(subject.asks, per_s=per_s, seconds=paced_s, connections=64)
    check_all_ok(load)
    return load


def _summary(rounds: list[tuple[CpuSeconds, LoadResult]], paced: LoadResult) -> Measured:
    last_used, last = rounds[-1]
    return Measured(
        cpu_ms=round(statistics.median(sum(used.values()) * 1000 / load.requests for used, load in rounds), 2),
        requests_per_s=round(statistics.median(load.requests / load.seconds for _, load in rounds), 1),
        p50_ms=round(statistics.median(load.p50_ms for _, load in rounds), 1),
        p95_ms_at_70=round(paced.p95_ms, 1),
        processes={name: ms for name, ms in ms_each(last_used, last.requests).items() if ms >= 0.01},
    )


def table(report: Report) -> str:
    """The report for people."""
    rows = {
        "bare list": report.floor, "bare page": report.floor_page,
        "list": report.products, "page": report.page, "search": report.search,
    }  # fmt: skip
    lines = [f"{'':10}{'CPU-ms':>9}{'per s':>8}{'p50 ms':>8}{'p95 at 70 %':>13}   CPU-ms by process"]
    lines += [
        f"{name:10}{row.cpu_ms:9.2f}{row.requests_per_s:8.0f}{row.p50_ms:8.1f}{row.p95_ms_at_70:13.1f}   "
        + ", ".join(f"{process} {ms:.2f}" for process, ms in list(row.processes.items())[:6])
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def main() -> int:
    """0 when the goals were reached, 1 when one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="m", choices=("s", "m", "l"))
    parser.add_argument("--requests", type=int, default=1_500, help="per round and subject")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--paced-seconds", type=float, default=8.0)
    parser.add_argument("--idle-seconds", type=float, default=15.0)
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(
            size=given.size,
            requests=given.requests,
            rounds=given.rounds,
            connections=given.connections,
            paced_s=given.paced_seconds,
            idle_s=given.idle_seconds,
            port_base=given.port_base,
        )
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
