"""Reservations per second of one hot SKU with 64 waiting buyers: in process and over HTTP, beside a floor.

The floor is what the usual way reaches on the same server in alternating rounds of the same run: one transaction per
buyer that updates the hot row and inserts two rows, by pgbench where it is installed, else by asyncpg. Every hold that
was acknowledged must be in the database afterwards. Run: `python -m loadtests.benchmarks.hot_row [--json FILE]`.
"""

import argparse
import asyncio
import importlib
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from compose.engines import boot, postgres
from compose.layout import Layout, default_cache
from loadtests.benchmarks.hot_row_floor import SKU, UNITS, crowd, floor_program, floor_transactions, make_floor
from loadtests.benchmarks.own_process import START_LIMIT_S, own_process
from loadtests.benchmarks.posting import Poster
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from shared import migrate
from shared.database import Database
from shared.identity import HEADER, InternalTokens, operator_principal
from shared.ids import new_id

GOAL_IN_PROCESS = 5.0
GOAL_OVER_HTTP = 2.0
DATABASE = "hot_row"
SECRET = "a-secret-of-this-benchmark-alone-0123456789"  # noqa: S105 guards nothing but a benchmark on loopback


class Measured(msgspec.Struct, frozen=True):
    """Per second, the median round first."""

    per_s: float
    rounds: list[float]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`floor` and `floor_single` are the same transaction on as many connections as buyers, and on one."""

    benchmark: str = "hot_row"
    buyers: int
    seconds: float
    fsync: str
    floor_by: str
    floor: Measured
    floor_single: Measured
    in_process: Measured
    over_http: Measured
    goal_in_process: float = GOAL_IN_PROCESS
    goal_over_http: float = GOAL_OVER_HTTP

    @property
    def figures(self) -> tuple[Figure, ...]:
        beside = (f"{self.floor_by} on the same row", self.floor.per_s)
        subjects = (
            ("in process", self.in_process, self.goal_in_process),
            ("over HTTP", self.over_http, self.goal_over_http),
        )
        return tuple(
            figure(
                f"reservations of one hot SKU, {self.buyers} buyers, {how}", "per s",
                measured=row.per_s, beside=beside, goal=goal, goal_of="ratio", at_least=True,
            )
            for how, row, goal in subjects
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


class Inventory:
    """The parts of `svc.inventory` that run in this process.

    Loaded by name: loadtests may not import services, and only what runs without HTTP can be measured without it.
    """

    def __init__(self, url: str) -> None:
        self._handlers = importlib.import_module("svc.inventory.handlers")
        self._domain = importlib.import_module("svc.inventory.domain")
        self.database = Database(url, "hot-row")
        self.batcher: Any = importlib.import_module("svc.inventory.batcher").ReservationBatcher(
            self.database, self._handlers.reserve
        )

    async def receive(self, units: int) -> None:
        """Book the units of the hot SKU in, as many at once as may be."""
        async with self.database.begin() as uow:
            await uow.connection.execute("INSERT INTO known_skus (sku) VALUES ($1) ON CONFLICT DO NOTHING", SKU)
            at_most: int = self._domain.RECEIPT_QUANTITY_MAX
            for begun in range(0, units, at_most):
                await self._handlers.receive_stock(
                    uow, sku=SKU, quantity=min(at_most, units - begun), warehouse="main", reference=f"bench {begun}"
                )

    async def hold(self, buyer: UUID) -> None:
        """One durable reservation of one unit."""
        lines = (self._domain.Line(SKU, 1),)
        request = self._domain.HoldRequest(reservation_id=new_id(), customer_id=buyer, lines=lines, ttl_s=3_600.0)
        await self.batcher.hold(request)


async def measure(*, buyers: int, seconds: float, rounds: int, port_base: int) -> Report:
    """Start PostgreSQL, Redis and one inventory process on ports from `port_base`, measure, stop them."""
    with tempfile.TemporaryDirectory(prefix="hot-row-") as directory:
        home = Path(directory)
        running = await boot(Layout(home, default_cache(), port_base), only=("postgres", "redis"))
        try:
            url = await _prepared(running.urls["postgres"])
            environ = {
                "SHOPSTREAM_PORT": str(port_base + 3),
                "SHOPSTREAM_ROLE": "api",
                "SHOPSTREAM_DATABASE_URL": url,
                "SHOPSTREAM_REDIS_URL": running.urls["redis"],
                "SHOPSTREAM_INTERNAL_SECRET": SECRET,
            }
            with own_process(home, "inventory", "svc.inventory", environ=environ):
                return await _measure_on(
                    url, f"http://127.0.0.1:{port_base + 3}", buyers=buyers, seconds=seconds, rounds=rounds
                )
        finally:
            await running.stop()


async def _measure_on(url: str, service_url: str, *, buyers: int, seconds: float, rounds: int) -> Report:
    inventory = Inventory(url)
    await inventory.database.open()
    held = 0
    figures: dict[str, list[float]] = {"floor": [], "single": [], "batcher": [], "http": []}
    try:
        await inventory.receive(UNITS)
        for number in range(rounds + 1):  # the first one warms up
            floor = await floor_transactions(url, connections=buyers, seconds=seconds)
            single = await floor_transactions(url, connections=1, seconds=seconds / 2)
            in_process = await crowd(inventory.hold, buyers=buyers, seconds=seconds)
            over_http = await _over_http(service_url, buyers=buyers, seconds=seconds)
            held += in_process[0] + over_http[0]
            if number:
                for name, (count, taken_s) in zip(figures, (floor, single, in_process, over_http), strict=True):
                    figures[name].append(count / taken_s)
        await inventory.batcher.close()
        fsync = await _check(inventory.database, held)
    finally:
        await inventory.database.close()
    floor_s, single_s, batcher_s, http_s = (_measured(rounds_of) for rounds_of in figures.values())
    return Report(
        buyers=buyers,
        seconds=seconds,
        fsync=fsync,
        floor_by=floor_program(),
        floor=floor_s,
        floor_single=single_s,
        in_process=batcher_s,
        over_http=http_s,
    )


async def _over_http(url: str, *, buyers: int, seconds: float) -> tuple[int, float]:
    """The same holds asked for by POST, over one connection per buyer."""
    token = InternalTokens(SECRET).mint(operator_principal(), "inventory")
    poster = Poster(url, "/internal/reservations", {HEADER: token})
    async with poster.opened(buyers, limit_s=START_LIMIT_S):
        return await crowd(lambda buyer: poster.post(_wish(buyer)), buyers=buyers, seconds=seconds)


def _wish(buyer: UUID) -> bytes:
    lines = [{"sku": SKU, "quantity": 1}]
    return msgspec.json.encode({"reservation_id": new_id(), "customer_id": buyer, "lines": lines})


async def _prepared(server_url: str) -> str:
    """The URL of a fresh inventory database that also holds the floor's tables."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{DATABASE}"))
    await asyncio.to_thread(migrate.upgrade, "svc.inventory", url)
    connection = await asyncpg.connect(url)
    try:
        await make_floor(connection)
    finally:
        await connection.close()
    return url


async def _check(database: Database, held: int) -> str:
    """Every acknowledged hold is stored and nothing else; gives the server's fsync. Raises RuntimeError."""
    async with database.acquire() as connection:
        stored = await connection.fetchval("SELECT count(*) FROM reservations WHERE status = 'held'")
        reserved = await connection.fetchval("SELECT reserved FROM stock WHERE sku = $1", SKU)
        if not stored == reserved == held:
            raise RuntimeError(f"{held} holds were acknowledged, {stored} are stored, the stock says {reserved}")
        return str(await connection.fetchval("SHOW fsync"))


def _measured(rounds: list[float]) -> Measured:
    return Measured(round(statistics.median(rounds), 1), [round(one, 1) for one in rounds])


def table(report: Report) -> str:
    """The report for people."""
    rows = (
        (f"{report.floor_by}, {report.buyers} connections", report.floor),
        (f"{report.floor_by}, 1 connection", report.floor_single),
        (f"in process, {report.buyers} buyers", report.in_process),
        (f"over HTTP, {report.buyers} buyers", report.over_http),
    )
    lines = [f"{'':28}{'per second':>12}{'ratio':>8}   rounds (fsync {report.fsync})"]
    lines += [
        f"{name:28}{row.per_s:12,.0f}{row.per_s / report.floor.per_s:8.2f}   "
        f"{' '.join(f'{one:,.0f}' for one in row.rounds)}"
        for name, row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """0 when the goals were reached, 1 when one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="per round and subject")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port-base", type=int, default=28_000)
    parser.add_argument("--fsync", action="store_true", help="flush every commit to the disk, on both sides")
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    if given.fsync:
        postgres.SETTINGS["fsync"] = "on"  # the local profile survives kill -9 of any process without it
    report = uvloop.run(
        measure(buyers=given.buyers, seconds=given.seconds, rounds=given.rounds, port_base=given.port_base)
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
