"""The peer of the fleet's endpoints: a bare Litestar application with asyncpg, and nothing that a shop needs besides.

Run as a process of its own: `python -m loadtests.benchmarks.bare_handler PORT [DATABASE_URL]`; without a database it
only answers that it is there. Its tables are made and filled by `bare_shop`.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, get, post
from litestar.datastructures import State

LISTED = 20
POOL_SIZE = 8
TABLES = """
    CREATE TABLE products (id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, title text NOT NULL,
        description text NOT NULL, category text NOT NULL);
    CREATE TABLE variants (sku text PRIMARY KEY, product_id uuid NOT NULL REFERENCES products, size text NOT NULL,
        price_minor bigint NOT NULL, currency text NOT NULL, stock integer NOT NULL);
    CREATE INDEX variants_by_product ON variants (product_id);
    CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL, total_minor bigint NOT NULL,
        currency text NOT NULL, address text NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE order_lines (order_id uuid NOT NULL REFERENCES orders, sku text NOT NULL, quantity integer NOT NULL,
        price_minor bigint NOT NULL, PRIMARY KEY (order_id, sku));
"""
_LIST = """
    SELECT p.id, p.slug, p.title, p.description, p.category,
        json_agg(json_build_object('sku', v.sku, 'size', v.size, 'price_minor', v.price_minor,
            'currency', v.currency, 'stock', v.stock)) AS variants
    FROM (SELECT * FROM products ORDER BY id LIMIT $1) p JOIN variants v ON v.product_id = p.id
    GROUP BY p.id, p.slug, p.title, p.description, p.category ORDER BY p.id
"""
_ONE = _LIST.replace("ORDER BY id LIMIT $1", "WHERE slug = $1")


class Variant(msgspec.Struct):
    sku: str
    size: str
    price_minor: int
    currency: str
    stock: int


class Product(msgspec.Struct):
    id: UUID
    slug: str
    title: str
    description: str
    category: str
    variants: list[Variant]


class Line(msgspec.Struct):
    sku: str
    quantity: int
    price_minor: int


class Order(msgspec.Struct):
    customer_id: UUID
    address: dict[str, str]
    lines: list[Line]


class Placed(msgspec.Struct):
    id: UUID


@get("/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@get("/products")
async def list_products(state: State) -> list[Product]:
    """The first products with prices and stock, by one statement."""
    async with state.pool.acquire() as connection:
        return [_product(row) for row in await connection.fetch(_LIST, LISTED)]


@get("/products/{slug:str}")
async def show_product(slug: str, state: State) -> Product:
    """One product, by one statement."""
    async with state.pool.acquire() as connection:
        return _product(await connection.fetchrow(_ONE, slug))


@post("/orders")
async def place_order(data: Order, state: State) -> Placed:
    """The order and its lines, in one transaction."""
    order_id = uuid4()
    total = sum(line.price_minor * line.quantity for line in data.lines)
    async with state.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO orders (id, customer_id, total_minor, currency, address) VALUES ($1, $2, $3, 'EUR', $4)",
            order_id, data.customer_id, total, msgspec.json.encode(data.address).decode(),
        )  # fmt: skip
        await connection.executemany(
            "INSERT INTO order_lines (order_id, sku, quantity, price_minor) VALUES ($1, $2, $3, $4)",
            [(order_id, line.sku, line.quantity, line.price_minor) for line in data.lines],
        )
    return Placed(order_id)


def _product(row: Any) -> Product:
    return Product(
        row["id"],
        row["slug"],
        row["title"],
        row["description"],
        row["category"],
        msgspec.json.decode(row["variants"], type=list[Variant]),
    )


def application(database_url: str) -> Litestar:
    """The application; it opens its pool when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        if not database_url:
            yield
            return
        async with asyncpg.create_pool(database_url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
            app.state.pool = pool
            yield

    return Litestar([ready, list_products, show_product, place_order], lifespan=[lifespan], openapi_config=None)


def main(port: int, database_url: str = "") -> None:
    """Serve as services are served: uvloop, httptools, no access log."""
    uvicorn.run(
        application(database_url),
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
