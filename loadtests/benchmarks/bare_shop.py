"""The bare handler with a PostgreSQL of its own and goods like the seeded ones, beside what it is compared to."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from compose.engines import boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.bare_handler import TABLES
from loadtests.benchmarks.own_process import own_process, until_ok
from loadtests.benchmarks.process_cpu import usage
from shared.ids import new_id

STOCK = 500
ADDRESS = {"name": "A. Buyer", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}


class BareShop(msgspec.Struct, frozen=True):
    """Where it answers, the processes it consists of, and what it sells."""

    url: str
    processes: dict[int, str]
    slugs: tuple[str, ...]
    skus: tuple[str, ...]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by what used them: the handler and its database."""
        return usage(self.processes)

    def order(self, *, sku: str) -> bytes:
        """The body of an order of one unit."""
        line = {"sku": sku, "quantity": 1, "price_minor": 1_000}
        return msgspec.json.encode({"customer_id": uuid4(), "address": ADDRESS, "lines": [line]})


@contextlib.asynccontextmanager
async def bare_shop(home: Path, *, port_base: int, products: Sequence[dict[str, Any]]) -> AsyncGenerator[BareShop]:
    """On ports from `port_base` while the block runs; `products` are as the seeding makes them."""
    running = await boot(Layout(home, default_cache(), port_base), only=("postgres",))
    try:
        url = running.urls["postgres"]
        await fill(url, products)
        with own_process(home, "bare", "loadtests.benchmarks.bare_handler", str(port_base), url) as handler:
            address = f"http://127.0.0.1:{port_base}"
            await until_ok(f"{address}/ready")
            yield BareShop(
                address,
                {handler.pid: "handler", running.engines["postgres"].process.pid: "postgres"},
                tuple(product["slug"] for product in products),
                tuple(variant["sku"] for product in products for variant in product["variants"]),
            )
    finally:
        await running.stop()


async def fill(url: str, products: Sequence[dict[str, Any]]) -> None:
    """Make the tables and copy the goods in."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLES)
        ids = [new_id() for _ in products]
        named = ("slug", "title", "description", "category")
        await connection.copy_records_to_table(
            "products",
            records=[(id_, *(one[name] for name in named)) for id_, one in zip(ids, products, strict=True)],
            columns=["id", *named],
        )
        await connection.copy_records_to_table(
            "variants",
            records=[
                (it["sku"], id_, it["options"]["size"], it["price_minor"], it["currency"], STOCK)
                for id_, one in zip(ids, products, strict=True)
                for it in one["variants"]
            ],
            columns=["sku", "product_id", "size", "price_minor", "currency", "stock"],
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
