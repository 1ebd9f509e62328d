"""How long it takes to fill the shop with 50,000 products through its services' own doors.

The floor is COPY of the same rows into one table of a PostgreSQL of its own, right before and right after.
Run: `python -m loadtests.benchmarks.seed_rate [--json FILE]`.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from compose.engines import boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.bare_shop import STOCK
from loadtests.benchmarks.own_fleet import SEED, own_fleet, rest
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from scenarios import seeding

GOAL_S = 60.0
GOAL_SIZE = "l"
BARE_PORTS = 200
COPIES = 3
COLUMNS = ("sku", "slug", "title", "description", "category", "tax_class", "size", "price_minor", "currency", "stock")
TABLE = """
    CREATE TABLE goods (sku text PRIMARY KEY, slug text NOT NULL, title text NOT NULL, description text NOT NULL,
        category text NOT NULL, tax_class text NOT NULL, size text NOT NULL, price_minor bigint NOT NULL,
        currency text NOT NULL, stock integer NOT NULL)
"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`rest_s` is how long consumers then took until nothing was open any more; seconds of `floor` are of each COPY."""

    benchmark: str = "seed_rate"
    size: str
    products: int
    rows: int
    seconds: float
    rest_s: float
    floor: list[float]
    goal_s: float = GOAL_S

    @property
    def figures(self) -> tuple[Figure, ...]:
        copy_s = statistics.median(self.floor)
        goal = self.goal_s if self.size == GOAL_SIZE else None
        what = f"seeding {self.products:,} products, their stock, people and orders"
        beside = f"COPY of the {self.rows:,} variants into one table"
        return (
            figure(what, "s", measured=self.seconds, beside=(beside, copy_s), goal=goal),
            figure(f"{what}, until every consumer has all", "s",
                measured=self.seconds + self.rest_s, beside=(beside, copy_s)),
            figure("products per second", "per s",
                measured=self.products / self.seconds, beside=("COPY", self.products / copy_s)),
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, size: str, port_base: int) -> Report:
    """Boot a fleet, copy, seed, wait until all of it is applied, copy again; stop both."""
    goods = seeding.products(seeding.SIZES[size].products, random.Random(SEED))
    records = rows_of(goods)
    with tempfile.TemporaryDirectory(prefix="seed-rate-") as directory:
        home = Path(directory)
        running = await boot(Layout(home / "bare", default_cache(), port_base + BARE_PORTS), only=("postgres",))
        try:
            url = running.urls["postgres"]
            async with own_fleet(home / "home", port_base=port_base) as fleet:
                floor = [await copied(url, records) for _ in range(COPIES)]
                seeded = await seeding.seed(fleet, size=size, seed=SEED, report=lambda _name, _done, _of: None)
                rest_s = await rest(fleet)
                floor += [await copied(url, records) for _ in range(COPIES)]
        finally:
            await running.stop()
    return Report(
        size=size,
        products=seeded.products,
        rows=len(records),
        seconds=round(seeded.seconds, 1),
        rest_s=round(rest_s, 1),
        floor=[round(took, 3) for took in floor],
    )


def rows_of(products: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """One flat row per variant, with its stock."""
    named = ("slug", "title", "description", "category", "tax_class")
    return [
        (it["sku"], *(one[name] for name in named), it["options"]["size"], it["price_minor"], it["currency"], STOCK)
        for one in products
        for it in one["variants"]
    ]


async def copied(url: str, records: list[tuple[object, ...]]) -> float:
    """Seconds of one COPY into a new table."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP TABLE IF EXISTS goods")
        await connection.execute(TABLE)
        began = time.monotonic()
        await connection.copy_records_to_table("goods", records=records, columns=COLUMNS)
        return time.monotonic() - began
    finally:
        await connection.close()


def table(report: Report) -> str:
    """The report for people."""
    copies = " ".join(f"{took:.2f}" for took in report.floor)
    return (
        f"{report.products:,} products in {report.seconds:.1f} s, everything applied {report.rest_s:.1f} s later; "
        f"COPY of {report.rows:,} rows: {copies} s"
    )


def main() -> int:
    """0 when the goal was reached, 1 when it was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default=GOAL_SIZE, choices=("s", "m", "l"))
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(measure(size=given.size, port_base=given.port_base))
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
